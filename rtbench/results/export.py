"""A run's tables in other programs' formats: CSV, one Parquet file for each, JSON lines.

Rows are passed on in pieces, so a table may be larger than memory. Each file is written under another name
and renamed when it is whole. Numbers are what they are in the run's own tables; nothing is computed here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from rtbench.core.errors import UsageError
from rtbench.results import schema
from rtbench.results.parts import TablePaths, stream_table
from rtbench.results.run_directory import RunDirectory
from rtbench.results.trace_order import EVENTS, stream_events

Format = Literal["csv", "parquet", "jsonl"]

EVENTS_TABLE = "events"
"""The trace of all engines, in the order of time."""

EXPORT_FOLDER = "export"
"""In a run's directory."""

TABLES: dict[str, pa.Schema] = {
    "turns": schema.TURNS,
    "sessions": schema.SESSIONS,
    "stimuli": schema.STIMULI,
    "incidents": schema.INCIDENTS,
    "mishaps": schema.MISHAPS,
    "generator": schema.GENERATOR,
    EVENTS_TABLE: EVENTS,
}
"""What can be exported. Recordings are no table that anything else could read; waveforms are pictures."""

USUAL: dict[Format, tuple[str, ...]] = {
    "csv": tuple(name for name in TABLES if name != EVENTS_TABLE),
    "parquet": tuple(name for name in TABLES if name != EVENTS_TABLE),
    "jsonl": (EVENTS_TABLE,),
}
"""Where no tables are named."""

_OF_JSON = frozenset({"errors", "states", "attempts", "unknown_fields", "detail"})
"""Columns of text that is JSON."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One file that was written."""

    path: Path
    rows: int


def export_run(
    directory: RunDirectory, kind: Format, out: Path, tables: Sequence[str] = ()
) -> Iterator[Exported]:
    """Write these tables, or the usual ones, of a run into `out`, one after the other; a file that is there is replaced.

    Raises UsageError where `out` cannot be written to or belongs to a run, or where a table cannot be read.
    """
    if _is_of_a_run(out, directory):
        raise UsageError(f"{out}: a run keeps its own files there; choose another output folder.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: the output folder cannot be made ({error.strerror}).") from error
    for name in tables or USUAL[kind]:
        yield _export(_pieces(directory, name), TABLES[name], kind, out / f"{name}.{kind}")


def _is_of_a_run(out: Path, exported: RunDirectory) -> bool:
    """Whether a folder is a run's directory or lies in one, but for its folder for exports."""
    out, below = out.resolve(), ""
    for folder in (out, *out.parents):
        if folder == exported.path.resolve() or RunDirectory(folder).run_json.exists():
            return below != EXPORT_FOLDER
        below = folder.name
    return False


def _pieces(directory: RunDirectory, name: str) -> Iterator[pa.Table]:
    if name == EVENTS_TABLE:
        return stream_events(directory)
    return stream_table(TablePaths(directory.path, name), TABLES[name])


def _export(pieces: Iterator[pa.Table], columns: pa.Schema, kind: Format, path: Path) -> Exported:
    temporary = path.with_name(f".{path.name}.tmp")
    rows = 0
    try:
        with _WRITERS[kind](temporary, columns) as write:
            for piece in _readable(pieces, path.stem):
                write(piece)
                rows += len(piece)
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Exported(path, rows)


def _readable(pieces: Iterator[pa.Table], name: str) -> Iterator[pa.Table]:
    try:
        yield from pieces
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{name}: the run's table cannot be read ({reason}).") from error


Write = Callable[[pa.Table], None]


@contextlib.contextmanager
def _csv(path: Path, columns: pa.Schema) -> Iterator[Write]:
    with pa_csv.CSVWriter(path, columns) as writer:
        yield writer.write_table


@contextlib.contextmanager
def _parquet(path: Path, columns: pa.Schema) -> Iterator[Write]:
    with pq.ParquetWriter(path, columns, compression="zstd") as writer:
        yield writer.write_table


@contextlib.contextmanager
def _jsonl(path: Path, columns: pa.Schema) -> Iterator[Write]:
    encode = msgspec.json.Encoder().encode
    of_json = [name for name in columns.names if name in _OF_JSON]
    with path.open("wb") as file:

        def write(piece: pa.Table) -> None:
            for row in piece.to_pylist():
                for name in of_json:
                    row[name] = _parsed(row[name])
                file.write(encode(row) + b"\n")

        yield write


def _parsed(text: str | None) -> object:
    """What a text of JSON says; the text itself where it is cut or broken."""
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return text


_WRITERS: dict[Format, Callable[[Path, pa.Schema], contextlib.AbstractContextManager[Write]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "jsonl": _jsonl,
}
