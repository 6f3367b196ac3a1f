"""`rtbench scenario`: one line per file, and the schema."""

import argparse
import json
from pathlib import Path

import pytest

from rtbench.cli.scenario import register
from rtbench.core.errors import UsageError

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["scenario", *words])
    status: int = args.handler(args)
    return status


def test_check_tells_one_line_per_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", *map(str, SCENARIOS)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [str(path) for path in SCENARIOS]
    (support,) = (line for line in lines if "support_call" in line)
    assert ": support_call, 8 utterances from " in support


def test_check_tells_a_clip_that_is_not_there_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("name: x\nconversation:\n- say: hours_qestion\n- listen\n")
    with pytest.raises(
        UsageError, match=r"x\.yaml:3: conversation\[0\]\.say: .*did you mean 'hours_question'"
    ):
        run("check", str(path))


def test_check_stops_at_a_file_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("name: x\n")
    with pytest.raises(UsageError, match=r"x\.yaml:1: conversation: is missing$"):
        run("check", str(SCENARIOS[0]), str(path))
    assert capsys.readouterr().out == ""


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "rtbench scenario"


def test_an_action_is_needed() -> None:
    with pytest.raises(SystemExit):
        run()
