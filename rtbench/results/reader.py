"""The reader of a run's directory: everything a report needs, from the files alone.

A run that was killed has tables without an end, a log with half a last line, or no table at all;
what is there is read, what is missing is an empty frame.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from rtbench.core.errors import UsageError
from rtbench.results import schema
from rtbench.results.parts import TablePaths, read_table
from rtbench.results.run_directory import RunDirectory


@dataclass(frozen=True, slots=True)
class Run:
    """A run as read. The frames have the columns of `results.schema`, in the order written.

    Integer columns with gaps (an instant that did not come) are of pandas' nullable `Int64`, so
    that no nanosecond is lost to floating point; metrics are floats with NaN; a flag that is missing is False.
    """

    directory: RunDirectory
    provenance: dict[str, Any]
    """The content of `run.json`; empty where it is missing."""

    turns: pd.DataFrame
    sessions: pd.DataFrame
    stimuli: pd.DataFrame
    """Interruptions and disturbances; empty where the scenario has none."""

    generator: pd.DataFrame
    waveforms: pd.DataFrame
    truth: pd.DataFrame
    """The emulator's log, with the columns that the emulator wrote; empty for any other target."""

    incidents: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    """Outages of connections; empty where none was lost."""

    mishaps: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    """Every error that a caller met."""

    faults: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    """What the emulator did wrong on purpose; empty for any other target."""

    plc_mos: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    """Scores of recorded answers; empty where none were asked for."""

    @property
    def name(self) -> str:
        return self.directory.path.resolve().name


def read_run(path: Path) -> Run:
    """Read a run's directory. Raises UsageError where it is none, or where a file in it is unreadable."""
    directory = RunDirectory.open(path)
    return Run(
        directory=directory,
        provenance=_read_run_json(directory.run_json),
        turns=_frame(directory.turns, schema.TURNS),
        sessions=_frame(directory.sessions, schema.SESSIONS),
        stimuli=_frame(directory.stimuli, schema.STIMULI),
        generator=_frame(directory.generator, schema.GENERATOR),
        waveforms=_frame(directory.waveforms, schema.WAVEFORMS),
        truth=read_truth_log(directory.emulator_log),
        incidents=_frame(directory.incidents, schema.INCIDENTS),
        mishaps=_frame(directory.mishaps, schema.MISHAPS),
        faults=read_truth_log(directory.fault_log),
        plc_mos=_frame(directory.plc_mos, schema.PLC_MOS),
    )


def part_of_run(
    directory: RunDirectory, provenance: Mapping[str, Any], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Run:
    """Some rows of a run that may still go on, by table, as if they had been read from its directory."""
    frames = {
        name: _as_frame(pa.Table.from_pylist(list(rows.get(name, ())), columns), columns)
        for name, columns in (
            ("turns", schema.TURNS),
            ("sessions", schema.SESSIONS),
            ("stimuli", schema.STIMULI),
            ("generator", schema.GENERATOR),
            ("waveforms", schema.WAVEFORMS),
            ("incidents", schema.INCIDENTS),
            ("mishaps", schema.MISHAPS),
        )
    }
    return Run(directory=directory, provenance=dict(provenance), truth=pd.DataFrame(), **frames)


def read_trace(directory: RunDirectory, sessions: list[str]) -> pd.DataFrame:
    """Every stamped event of the named sessions, over all engines, in order of time within each session."""
    engines = sorted({path.stem for path in directory.trace.glob("*.par*") if not path.name.startswith(".")})
    tables = [_table(TablePaths(directory.trace, engine), schema.TRACE, sessions) for engine in engines]
    trace = pa.concat_tables(tables) if tables else schema.TRACE.empty_table()
    return trace.to_pandas().sort_values(["session", "at_ns"], kind="stable", ignore_index=True)


def read_recordings(directory: RunDirectory, sessions: list[str] | None) -> pd.DataFrame:
    """The recordings of the named sessions, or of all, which a run keeps apart as they are large; none where none were made."""
    paths = TablePaths(directory.path, directory.recordings.stem)
    return _table(paths, schema.RECORDINGS, sessions).to_pandas()


def read_truth_log(path: Path) -> pd.DataFrame:
    """The emulator's JSON lines as a frame, instants (`_ns`) as `Int64`; a line that was cut by a kill is left out."""
    if not path.is_file():
        return pd.DataFrame()
    columns: dict[str, list[Any]] = {}
    with path.open("rb") as lines:
        # By columns at once: a hundred thousand rows as dictionaries take three times the memory.
        for count, row in enumerate(_objects(lines)):
            for name in row.keys() - columns.keys():
                columns[name] = [None] * count
            for name, values in columns.items():
                values.append(row.get(name))
    return pd.DataFrame(
        {
            # Through floats, which pandas would choose for a column with gaps, nanoseconds would be rounded.
            name: pd.Series(values, dtype="Int64" if name.endswith("_ns") else None)
            for name, values in sorted(columns.items())
        }
    )


def _objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                yield row


def _frame(path: Path, columns: pa.Schema) -> pd.DataFrame:
    return _as_frame(_table(TablePaths(path.parent, path.stem), columns), columns)


def _as_frame(table: pa.Table, columns: pa.Schema) -> pd.DataFrame:
    frame = {}
    for field in columns:
        column = table.column(field.name)
        if pa.types.is_boolean(field.type):
            column = column.fill_null(pa.scalar(False))
        gaps = pa.types.is_integer(field.type) and column.null_count > 0
        frame[field.name] = (
            column.to_pandas(types_mapper=lambda _: pd.Int64Dtype()) if gaps else column.to_pandas()
        )
    return pd.DataFrame(frame)


def _table(paths: TablePaths, columns: pa.Schema, sessions: list[str] | None = None) -> pa.Table:
    try:
        return read_table(paths, columns, sessions)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{paths.final}: the table cannot be read ({reason}).") from error


def _read_run_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path}: not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a JSON object was expected.")
    return content
