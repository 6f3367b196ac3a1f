import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from rtbench.core.errors import UsageError
from rtbench.results import schema
from rtbench.results.reader import part_of_run, read_recordings, read_run, read_trace, read_truth_log
from rtbench.results.run_directory import RunDirectory
from rtbench.results.writer import RowWriter


def _write(
    directory: Path, table: str, columns: pa.Schema, *rows: dict[str, Any], close: bool = True
) -> None:
    writer = RowWriter(directory, table, columns)
    for row in rows:
        writer.append(row)
    writer.flush()
    if close:
        writer.close()


def test_a_run_that_was_killed_at_once_is_read_as_empty_frames_with_their_columns(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    run = read_run(tmp_path)
    assert list(run.turns.columns) == schema.TURNS.names
    assert list(run.sessions.columns) == schema.SESSIONS.names
    assert list(run.stimuli.columns) == schema.STIMULI.names
    assert (
        run.turns.empty
        and run.sessions.empty
        and run.stimuli.empty
        and run.generator.empty
        and run.truth.empty
    )
    assert run.provenance == {}


def test_a_run_without_run_json_is_read_from_the_parts_that_were_flushed(tmp_path: Path) -> None:
    _write(tmp_path, "turns", schema.TURNS, {"session": "s1", "number": 0}, close=False)
    run = read_run(tmp_path)
    assert run.turns["session"].tolist() == ["s1"]
    assert run.name == tmp_path.name


def test_instants_that_never_came_cost_no_nanosecond_of_those_that_did(tmp_path: Path) -> None:
    exact = 2**60 + 1
    _write(tmp_path, "turns", schema.TURNS, {"audible_ns": exact}, {"audible_ns": None})
    turns = read_run(tmp_path).turns
    assert turns["audible_ns"].tolist()[0] == exact
    assert turns["audible_ns"].isna().tolist() == [False, True]


def test_a_flag_that_was_not_written_is_false(tmp_path: Path) -> None:
    _write(tmp_path, "turns", schema.TURNS, {"void": True}, {"void": None})
    assert read_run(tmp_path).turns["void"].tolist() == [True, False]


def test_the_emulators_log_is_read_up_to_the_line_that_a_kill_cut(tmp_path: Path) -> None:
    log = tmp_path / "emulator.jsonl"
    log.write_text('{"session_id": "a", "audio_ms": 1.5}\n{"session_id": "b"}\n{"session_id": "c", "aud')
    truth = read_truth_log(log)
    assert truth["session_id"].tolist() == ["a", "b"]
    assert truth["audio_ms"].iloc[0] == 1.5


def test_instants_of_the_log_keep_every_nanosecond_beside_those_that_never_came(tmp_path: Path) -> None:
    log = tmp_path / "emulator.jsonl"
    log.write_text(f'{{"first_audio_sent_ns": {2**60 + 1}}}\n{{"first_audio_sent_ns": null}}\n{{}}\n')
    sent_ns = read_truth_log(log)["first_audio_sent_ns"]
    assert sent_ns.iloc[0] == 2**60 + 1
    assert sent_ns.isna().tolist() == [False, True, True]


def test_a_log_cut_in_its_middle_by_a_restart_costs_one_line(tmp_path: Path) -> None:
    log = tmp_path / "emulator.jsonl"
    log.write_text('{"session_id": "a"}\n{"sess{"session_id": "b"}\n{"session_id": "c"}\n')
    assert read_truth_log(log)["session_id"].tolist() == ["a", "c"]


def test_the_trace_is_gathered_from_all_engines_merged_or_not_in_order_of_time(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.trace.mkdir()
    for engine, close, times in (("w1", True, [30, 10]), ("w2", False, [20])):
        rows = [{"session": "s1", "at_ns": at_ns, "type": engine} for at_ns in times]
        _write(directory.trace, engine, schema.TRACE, *rows, {"session": "s2", "at_ns": 5}, close=close)
    trace = read_trace(directory, ["s1"])
    assert trace["at_ns"].tolist() == [10, 20, 30]
    assert set(trace["session"]) == {"s1"}


def test_stimuli_are_read_with_what_did_not_happen_left_open(tmp_path: Path) -> None:
    row = {"session": "s1", "kind": "cough", "onset_ns": 2**60 + 1, "silent_ns": None, "yielded": None}
    _write(tmp_path, "turns", schema.TURNS, {"session": "s1"})
    _write(tmp_path, "stimuli", schema.STIMULI, row, close=False)
    (stimulus,) = read_run(tmp_path).stimuli.to_dict("records")
    assert (stimulus["kind"], stimulus["onset_ns"], stimulus["void"]) == ("cough", 2**60 + 1, False)
    assert pd.isna(stimulus["silent_ns"]) and pd.isna(stimulus["yielded"])


def test_a_run_of_before_there_were_stimuli_has_none_and_its_turns_have_no_hold_pauses(
    tmp_path: Path,
) -> None:
    old = pa.schema([field for field in schema.TURNS if field.name in ("session", "number")])
    _write(tmp_path, "turns", old, {"session": "s1", "number": 0})
    run = read_run(tmp_path)
    assert run.stimuli.empty
    assert run.turns["hold_pauses"].isna().all() and not run.turns["barged_in"].any()


def test_recordings_are_read_for_the_sessions_that_are_asked_for(tmp_path: Path) -> None:
    rows = [
        {"session": name, "turn": 1, "stimulus": 0, "caller": b"\x01\x02", "agent": b""}
        for name in ("s1", "s2")
    ]
    _write(tmp_path, "recordings", schema.RECORDINGS, *rows)
    found = read_recordings(RunDirectory(tmp_path), ["s2"])
    assert found["session"].tolist() == ["s2"]
    assert found["caller"].tolist() == [b"\x01\x02"]
    assert read_recordings(RunDirectory(tmp_path / "absent"), ["s2"]).empty


def test_a_run_without_a_trace_has_an_empty_one(tmp_path: Path) -> None:
    trace = read_trace(RunDirectory(tmp_path), ["s1"])
    assert isinstance(trace, pd.DataFrame) and trace.empty


@pytest.mark.parametrize("content", ["{", json.dumps([1])])
def test_a_broken_run_json_is_told_with_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UsageError, match=r"run\.json: "):
        read_run(tmp_path)


def test_a_broken_table_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "turns.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(UsageError, match=r"turns\.parquet: the table cannot be read"):
        read_run(tmp_path)


def test_rows_of_a_run_that_goes_on_are_as_if_they_had_been_read() -> None:
    rows = [{"session": "a", "closed_ns": 5, "voice_to_voice_ms": 500.0}, {"session": "b", "void": True}]
    run = part_of_run(RunDirectory(Path("x")), {"seed": 1}, {"turns": rows})
    assert list(run.turns.columns) == schema.TURNS.names
    assert run.turns["closed_ns"].tolist() == [5, pd.NA]
    assert run.turns["void"].tolist() == [False, True]
    assert (run.sessions.empty, run.generator.empty, run.provenance) == (True, True, {"seed": 1})
    assert list(run.generator.columns) == schema.GENERATOR.names
