"""The events of a whole run in the order of time, over all engines, without more of them in memory than need be.

Engines write their events in shards, one after the other; those of one engine overlap by little. A shard
is opened when its first event is next, so as many are open at once as there are engines, and a few.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rtbench.results import schema
from rtbench.results.parts import TablePaths, stream_table
from rtbench.results.run_directory import RunDirectory

PIECE_ROWS = 10_000

_COLUMNS: list[schema.Column] = [
    ("at_ns", pa.int64()),  # the engine's monotonic clock
    ("at_unix_ns", pa.int64()),  # wall time, by the offset between the two that the engine's rows tell
    ("due_ns", pa.int64()),  # the instant that it was meant for; null of what was received
    ("worker", pa.string()),
    ("session", pa.string()),
    ("direction", pa.string()),  # sent, by the caller, or received
    ("type", pa.string()),  # on the wire
    ("size_bytes", pa.int64()),  # of its audio
    ("detail", pa.string()),  # its fields as JSON; no audio, and no words unless they were recorded
]

EVENTS = pa.schema(_COLUMNS)


@dataclass(frozen=True, slots=True)
class _Shard:
    """A file of one engine's events."""

    path: Path
    worker: str
    first_ns: int
    """The instant of its earliest event."""


def stream_events(directory: RunDirectory) -> Iterator[pa.Table]:
    """Every event of a run in pieces, by `at_ns`. Engines of different machines have clocks that mean nothing to each other.

    Raises pyarrow's exceptions and OSError where a shard cannot be read.
    """
    offsets_ns = _unix_offsets_ns(directory)
    rows: list[dict[str, Any]] = []
    for worker, event in _in_order(_shards(directory)):
        rows.append(_row(worker, event, offsets_ns))
        if len(rows) == PIECE_ROWS:
            yield pa.Table.from_pylist(rows, schema=EVENTS)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, schema=EVENTS)


def _row(worker: str, event: Mapping[str, Any], offsets_ns: Mapping[str, int]) -> dict[str, Any]:
    offset_ns = offsets_ns.get(worker)
    return {
        "at_ns": event["at_ns"],
        "at_unix_ns": None if offset_ns is None else event["at_ns"] + offset_ns,
        "due_ns": event["due_ns"] if event["sent"] else None,
        "worker": worker,
        "session": event["session"],
        "direction": "sent" if event["sent"] else "received",
        "type": event["type"],
        "size_bytes": event["size_bytes"],
        "detail": event["detail"],
    }


def _in_order(shards: list[_Shard]) -> Iterator[tuple[str, dict[str, Any]]]:
    waiting = sorted(shards, key=lambda shard: (shard.first_ns, shard.path))[::-1]
    opened: list[tuple[int, int, str, dict[str, Any], Iterator[dict[str, Any]]]] = []
    number = 0
    while waiting or opened:
        while waiting and (not opened or waiting[-1].first_ns <= opened[0][0]):
            shard = waiting.pop()
            events = _sorted_events(shard.path)
            first = next(events, None)
            if first is not None:
                heapq.heappush(opened, (first["at_ns"], number, shard.worker, first, events))
                number += 1
        if not opened:
            continue
        _, rank, worker, event, events = opened[0]
        yield worker, event
        following = next(events, None)
        if following is None:
            heapq.heappop(opened)
        else:
            heapq.heapreplace(opened, (following["at_ns"], rank, worker, following, events))


def _sorted_events(path: Path) -> Iterator[dict[str, Any]]:
    """Events of one instant stay as they were written."""
    table = pq.read_table(path, columns=schema.TRACE.names)
    order = pc.sort_indices(table["at_ns"])  # documented to be stable
    for start in range(0, len(table), PIECE_ROWS):
        yield from table.take(order.slice(start, PIECE_ROWS)).to_pylist()


def _shards(directory: RunDirectory) -> list[_Shard]:
    names = {path.stem for path in directory.trace.glob("*.par*") if not path.name.startswith(".")}
    files = [(name, path) for name in sorted(names) for path in TablePaths(directory.trace, name).files()]
    shards = []
    for name, path in files:
        first_ns = _first_ns(path)
        if first_ns is not None:
            shards.append(_Shard(path, name.rpartition("-")[0] or name, first_ns))
    return shards


def _first_ns(path: Path) -> int | None:
    """None where it is empty. Parquet knows the least value of each of its groups of rows."""
    file = pq.ParquetFile(path)
    column = file.schema_arrow.get_field_index("at_ns")
    least: list[int] = []
    for group in range(file.metadata.num_row_groups):
        if not file.metadata.row_group(group).num_rows:
            continue
        statistics = file.metadata.row_group(group).column(column).statistics
        known = statistics.min if statistics is not None else None
        least.append(known if known is not None else _least(file.read_row_group(group, columns=["at_ns"])))
    return min(least, default=None)


def _least(table: pa.Table) -> int:
    least: int = pc.min(table["at_ns"]).as_py()
    return least


def _unix_offsets_ns(directory: RunDirectory) -> dict[str, int]:
    """By worker: wall time less its monotonic clock, by one row that has the same instant on both."""
    offsets_ns: dict[str, int] = {}
    tables = (
        (directory.sessions, schema.SESSIONS, "planned_ns"),
        (directory.turns, schema.TURNS, "user_speech_end_ns"),
    )
    for path, columns, instant in tables:
        wanted = pa.schema([columns.field(name) for name in ("worker", "at_unix_ns", instant)])
        for piece in stream_table(TablePaths(path.parent, path.stem), wanted):
            for row in piece.to_pylist():
                if row["at_unix_ns"] is not None and row[instant] is not None:
                    offsets_ns.setdefault(row["worker"], row["at_unix_ns"] - row[instant])
    return offsets_ns
