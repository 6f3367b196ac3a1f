"""Exported files, read back by other readers than those that wrote them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rtbench.core.errors import UsageError
from rtbench.results import schema
from rtbench.results.export import TABLES, USUAL, export_run
from rtbench.results.run_directory import RunDirectory
from rtbench.results.writer import RowWriter

AT_NS = 1_795_681_083_282_947_339
"""An instant that a float cannot hold."""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A run with two turns and a session, killed before its tables were merged."""
    directory = RunDirectory(tmp_path / "run")
    directory.trace.mkdir(parents=True)
    turns = RowWriter(directory.path, "turns", schema.TURNS)
    for number, wait_ms in ((1, 512.25), (2, None)):
        turns.append(
            {"session": "w0-1", "number": number, "clip": 'a "b", c', "voice_to_voice_ms": wait_ms, "void": False, "at_unix_ns": AT_NS}
        )  # fmt: skip
        turns.flush()
    sessions = RowWriter(directory.path, "sessions", schema.SESSIONS)
    sessions.append({"session": "w0-1", "outcome": "completed", "errors": '{"timeout":2}', "states": "[]"})
    sessions.flush()
    rows = [
        {"session": "w0-1", "at_ns": at, "sent": False, "type": kind, "size_bytes": 0, "due_ns": at, "detail": detail}
        for at, kind, detail in ((2, "later", '{"n": 1}'), (1, "sooner", '{"cut'))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.TRACE), directory.trace / "w0-00001.parquet")
    return directory


def test_csv_has_every_column_and_row_and_loses_no_nanosecond(directory, tmp_path) -> None:
    exported = list(export_run(directory, "csv", tmp_path / "out"))
    assert [each.path.name for each in exported] == [f"{name}.csv" for name in USUAL["csv"]]
    assert {each.path.stem: each.rows for each in exported if each.rows} == {"turns": 2, "sessions": 1}
    with (tmp_path / "out/turns.csv").open(newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading == schema.TURNS.names
    first, second = (dict(zip(heading, row, strict=True)) for row in rows)
    assert (first["clip"], first["voice_to_voice_ms"], first["at_unix_ns"]) == ('a "b", c', "512.25", str(AT_NS))  # fmt: skip
    assert (first["void"], second["voice_to_voice_ms"]) == ("false", "")


def test_an_empty_table_has_its_heading(directory, tmp_path) -> None:
    list(export_run(directory, "csv", tmp_path / "out", ["incidents"]))
    assert list(pd.read_csv(tmp_path / "out/incidents.csv").columns) == schema.INCIDENTS.names


def test_parquet_is_one_file_with_the_runs_own_types(directory, tmp_path) -> None:
    list(export_run(directory, "parquet", tmp_path / "out", ["turns"]))
    table = pq.read_table(tmp_path / "out/turns.parquet")
    assert table.schema == schema.TURNS
    assert table["number"].to_pylist() == [1, 2]
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out/turns.parquet"]


def test_json_lines_are_the_events_in_order_with_their_fields(directory, tmp_path) -> None:
    [exported] = export_run(directory, "jsonl", tmp_path / "out")
    assert (exported.path.name, exported.rows) == ("events.jsonl", 2)
    first, second = map(json.loads, exported.path.read_text().splitlines())
    assert (first["at_ns"], first["type"], first["session"], first["direction"]) == (1, "sooner", "w0-1", "received")  # fmt: skip
    assert (second["type"], second["detail"]) == ("later", {"n": 1})
    assert first["detail"] == '{"cut'  # what cannot be read is passed on as it is


def test_any_table_can_be_json_lines_and_events_a_table(directory, tmp_path) -> None:
    [sessions] = export_run(directory, "jsonl", tmp_path / "out", ["sessions"])
    [session] = map(json.loads, sessions.path.read_text().splitlines())
    assert session["errors"] == {"timeout": 2}
    [events] = export_run(directory, "csv", tmp_path / "out", ["events"])
    assert list(pd.read_csv(events.path)["type"]) == ["sooner", "later"]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_every_table_can_be_had_in_every_format(directory, tmp_path, name, kind) -> None:
    [exported] = export_run(directory, kind, tmp_path / "out", [name])
    assert exported.path == tmp_path / "out" / f"{name}.{kind}"
    assert exported.path.is_file()


def test_an_earlier_export_is_replaced(directory, tmp_path) -> None:
    for _ in range(2):
        list(export_run(directory, "csv", tmp_path / "out", ["turns"]))
    assert len(pd.read_csv(tmp_path / "out/turns.csv")) == 2


def test_a_table_that_cannot_be_read_leaves_nothing_and_says_which(directory, tmp_path) -> None:
    (directory.path / "turns.parts/000002.parquet").write_bytes(b"PAR1 broken PAR1")
    with pytest.raises(UsageError, match="turns: the run's table cannot be read"):
        list(export_run(directory, "csv", tmp_path / "out", ["turns"]))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_made_or_written_to_is_told(directory, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="the output folder cannot be made"):
        list(export_run(directory, "csv", tmp_path / "file/out"))
    (tmp_path / "out/turns.csv").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"turns\.csv: cannot be written \(Is a directory\)"):
        list(export_run(directory, "csv", tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["turns.csv"]


def test_the_runs_own_tables_are_never_written_over(directory) -> None:
    with pytest.raises(UsageError, match="a run keeps its own files there"):
        list(export_run(directory, "parquet", directory.path / "trace" / ".."))


@pytest.mark.parametrize("out", ["", "trace", "figures/export", "../other", "../other/worst"])
def test_no_run_s_own_files_are_written_over(directory, tmp_path, out) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.json").write_text("{}")
    (other / "turns.parquet").write_text("its own")
    with pytest.raises(UsageError, match="a run keeps its own files there"):
        list(export_run(directory, "parquet", directory.path / out))
    assert (other / "turns.parquet").read_text() == "its own"


@pytest.mark.parametrize("out", ["export", "export/csv", "../other/export"])
def test_a_run_s_folder_for_exports_is_free(directory, tmp_path, out) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text("{}")
    [exported] = export_run(directory, "csv", directory.path / out, ["turns"])
    assert exported.path.is_file()
