from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rtbench.cli.main import main
from rtbench.core.errors import ExitCode


def test_tables_go_beside_the_runs_own_files_where_nothing_else_is_said(night, capsys) -> None:
    run = night("exported", sessions=3, turns=4)
    assert main(["export", str(run), "--format", "csv", "--tables", "turns, sessions,turns"]) == ExitCode.PASS
    assert capsys.readouterr().out.splitlines() == [
        f"{run}/export/turns.csv: 12 rows",
        f"{run}/export/sessions.csv: 3 rows",
    ]
    assert len(pd.read_csv(run / "export/turns.csv")) == 12


def test_or_where_it_is_said(night, tmp_path: Path, capsys) -> None:
    run = night("exported_elsewhere", sessions=1)
    assert main(["export", str(run), "--format", "jsonl", "--out", str(tmp_path / "out")]) == ExitCode.PASS
    assert capsys.readouterr().out == f"{tmp_path}/out/events.jsonl: 0 rows\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--format", "csv"], "nowhere: no such run"),
        (["{run}", "--format", "csv", "--tables", "turns,tunes"], "--tables: there is no table 'tunes'; there are turns,"),
        (["{run}", "--format", "csv", "--tables", ""], "--tables: there is no table ''"),
        (["{run}", "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["{run}"], "the following arguments are required: --format"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(
    night, tmp_path: Path, capsys, arguments: list[str], sentence: str
) -> None:
    run = night("asked_wrongly", folder=tmp_path, sessions=1)
    try:
        code = main(["export", *(argument.replace("{run}", str(run)) for argument in arguments)])
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr().err
    assert code == ExitCode.USAGE
    assert told.startswith(f"rtbench: {sentence}")
    assert told.count("\n") == 1
