"""Events of several engines' shards in the order of time, against a plain sort of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.results import schema, trace_order
from rtbench.results.run_directory import RunDirectory
from rtbench.results.trace_order import EVENTS, stream_events
from rtbench.results.writer import RowWriter

Write = Callable[[str, list[int]], None]


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    (tmp_path / "trace").mkdir()
    return RunDirectory(tmp_path)


def write_shard(directory: RunDirectory, name: str, instants_ns: list[int], **columns: Any) -> None:
    rows = [
        {"session": f"{name}-s", "at_ns": at_ns, "sent": False, "type": f"e{number}", "size_bytes": 0, "due_ns": at_ns, "detail": "{}"}
        | columns
        for number, at_ns in enumerate(instants_ns)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.TRACE), directory.trace / f"{name}.parquet")


def events(directory: RunDirectory) -> list[dict[str, Any]]:
    found = []
    for piece in stream_events(directory):
        assert piece.schema == EVENTS
        found += piece.to_pylist()
    return found


def test_a_run_without_events_has_none(directory) -> None:
    assert events(directory) == []


def test_shards_that_overlap_are_interleaved_and_disorder_within_one_is_put_right(directory) -> None:
    write_shard(directory, "w0-00001", [10, 30, 20])
    write_shard(directory, "w0-00002", [25, 40])
    write_shard(directory, "w1-00001", [5, 22, 90])
    told = [(event["at_ns"], event["worker"]) for event in events(directory)]
    assert told == [
        (5, "w1"), (10, "w0"), (20, "w0"), (22, "w1"), (25, "w0"), (30, "w0"), (40, "w0"), (90, "w1"),
    ]  # fmt: skip


@given(
    shards=st.lists(st.lists(st.integers(0, 60), max_size=9), max_size=6),
    workers=st.lists(st.integers(0, 2), min_size=6, max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_any_shards_come_out_sorted_and_whole(
    tmp_path_factory: pytest.TempPathFactory, shards, workers
) -> None:
    path = tmp_path_factory.mktemp("run")
    (path / "trace").mkdir()
    directory = RunDirectory(path)
    for number, instants in enumerate(shards):
        write_shard(directory, f"w{workers[number]}-{number:05d}", instants)
    told = [event["at_ns"] for event in events(directory)]
    assert told == sorted(at_ns for instants in shards for at_ns in instants)


def test_events_of_one_instant_stay_as_they_were_written(directory) -> None:
    write_shard(directory, "w0-00001", [7] * 50)
    assert [event["type"] for event in events(directory)] == [f"e{number}" for number in range(50)]


def test_shards_are_opened_when_they_are_due_and_not_before(directory, monkeypatch) -> None:
    for number in range(40):
        write_shard(directory, f"w0-{number:05d}", [10 * number, 10 * number + 11])
    opened: list[int] = []
    most = 0
    sorted_events = trace_order._sorted_events

    def watched(path: Path) -> Iterator[dict[str, Any]]:
        nonlocal most
        opened.append(1)
        most = max(most, len(opened))
        yield from sorted_events(path)
        opened.pop()

    monkeypatch.setattr(trace_order, "_sorted_events", watched)
    assert len(events(directory)) == 80
    assert most <= 3


def test_pieces_are_small(directory, monkeypatch) -> None:
    monkeypatch.setattr(trace_order, "PIECE_ROWS", 4)
    write_shard(directory, "w0-00001", list(range(10)))
    assert [len(piece) for piece in stream_events(directory)] == [4, 4, 2]


def test_what_was_sent_has_the_instant_it_was_meant_for(directory) -> None:
    write_shard(directory, "w0-00001", [50], sent=True, due_ns=48, detail='{"a":1}', size_bytes=9)
    write_shard(directory, "w0-00002", [60])
    sent, received = events(directory)
    assert (sent["direction"], sent["due_ns"], sent["detail"], sent["size_bytes"]) == ("sent", 48, '{"a":1}', 9)  # fmt: skip
    assert (received["direction"], received["due_ns"]) == ("received", None)


def test_wall_time_is_told_where_a_row_of_the_engine_has_both_clocks(directory) -> None:
    table = RowWriter(directory.path, "turns", schema.TURNS)
    table.append({"worker": "w0", "user_speech_end_ns": 1_000, "at_unix_ns": 51_000})
    table.flush()  # and never closed: the run was killed
    write_shard(directory, "w0-00001", [1_500])
    write_shard(directory, "w1-00001", [1_600])
    assert [event["at_unix_ns"] for event in events(directory)] == [51_500, None]


def test_a_shard_without_statistics_or_rows_is_read_all_the_same(directory) -> None:
    write_shard(directory, "w0-00001", [])
    write_shard(directory, "w0-00002", [3, 1])
    path = directory.trace / "w0-00002.parquet"
    pq.write_table(pq.read_table(path), path, write_statistics=False)
    assert [event["at_ns"] for event in events(directory)] == [1, 3]


def test_a_shard_that_was_being_written_when_the_run_was_killed_is_left_out(directory) -> None:
    write_shard(directory, "w0-00001", [1])
    (directory.trace / "w0-00002.part").write_bytes(b"PAR1 half")
    assert [event["at_ns"] for event in events(directory)] == [1]
