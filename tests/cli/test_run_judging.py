"""What `rtbench run` and `rtbench report` judge by: thresholds, baseline, budget."""

import argparse
import json
from pathlib import Path

import pytest

from rtbench.cli.main import main
from rtbench.cli.run_judging import Judging, add_run_options, report_run
from rtbench.core.errors import UsageError
from rtbench.report import build
from rtbench.report.worst import Worst
from rtbench.scenario.budget import BudgetMeter
from rtbench.scenario.live_threshold import LiveThresholds
from rtbench.scenario.threshold import parse_threshold

SCENARIO = """\
name: brief
conversation:
  - say: {role: question}
  - listen
users: 4
duration: 30 s
thresholds:
  voice_to_voice_ms: {p50: "< 800"}
"""


@pytest.fixture
def options():
    """The options as parsed, with what `rtbench run` has besides."""
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    for name in ("target", "transport"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--users", type=int)
    return lambda *arguments: parser.parse_args(["--target", "emulator", *arguments])


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "brief.yaml"
    path.write_text(SCENARIO)
    return path


def test_without_options_only_the_scenario_judges(options, scenario: Path, capsys) -> None:
    judging = Judging.read(options())
    assert (judging.thresholds, judging.meter, judging.abort_after_s) == ((), None, None)
    (live,) = judging.begin(options(), scenario, None, None)
    assert isinstance(live, LiveThresholds)
    assert capsys.readouterr().err == ""


def test_thresholds_are_read_one_by_one(options) -> None:
    judging = Judging.read(options("--threshold", "turns:count>=9", "--threshold", "void_rate:rate<0.1"))
    assert [str(threshold) for threshold in judging.thresholds] == [
        "turns count >= 9",
        "void_rate rate < 0.1",
    ]


def test_any_threshold_may_be_made_to_end_the_run(options, scenario: Path) -> None:
    args = options(
        "--abort-on-fail", "5 s", "--threshold", "errors:count<1", "--threshold", "turns:count>=100"
    )
    (live,) = Judging.read(args).begin(args, scenario, None, None)
    live.take("sessions", {"errors": '{"closed": 1}', "scenario": "brief"})
    assert live.stop(4.9) is None
    assert str(live.stop(5.0)) == "stopped after 5 s: errors count < 1 does not hold (1)"


def test_a_budget_is_counted_and_what_a_run_may_come_to_is_told(options, scenario: Path, capsys) -> None:
    args = options("--budget-usd", "5", "--budget-minutes", "10")
    _, meter = Judging.read(args).begin(args, scenario, None, None)
    assert isinstance(meter, BudgetMeter)
    assert capsys.readouterr().err.startswith("rtbench: at most 2.0 call minutes, about ")
    scenario.write_text(
        SCENARIO.replace(
            "users: 4\nduration: 30 s",
            "shape: {spike: {base: 1, users: 60, before: 30 s, lasts: 1 min, after: 30 s}}",
        )
    )
    Judging.read(args).begin(args, scenario, None, None)
    assert capsys.readouterr().err.startswith("rtbench: at most 61.0 call minutes, about ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--threshold", "voice:p50<1"], "--threshold 'voice:p50<1': unknown metric"),
        (["--abort-on-fail", "soon"], "--abort-on-fail: must be a duration"),
        (["--baseline", "absent"], "absent: no such run"),
        (["--budget-usd", "1", "--no-budget"], "say one or the other"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, arguments: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Judging.read(options(*arguments))


@pytest.fixture
def folder(night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four nights, whose reports are made without pictures."""
    monkeypatch.setattr(build, "FIGURES", {})
    monkeypatch.setattr(build, "write_worst", lambda *_: Worst([], []))
    for name, factor in (("20261101-base", 1.0), ("20261102-same", 1.01), ("20261103-slow", 1.6)):
        night(name, folder=tmp_path, sessions=60, turns=4, factor=factor, spread=0.05, seed=len(name))
    night("20261104-lossy", folder=tmp_path, sessions=20, rows_lost=3)
    return tmp_path


@pytest.mark.parametrize(
    ("run", "arguments", "code"),
    [
        ("20261102-same", ["--threshold", "voice_to_voice_ms:p95<1"], 2),
        ("20261102-same", ["--threshold", "voice_to_voice_ms:p99.9<10000"], 2),
        ("20261103-slow", ["--baseline", "20261101-base"], 3),
        ("20261103-slow", ["--baseline", "20261101-base", "--threshold", "turns:count<1"], 2),
        ("20261104-lossy", ["--baseline", "20261101-base"], 4),
        ("20261102-same", ["--baseline", "20261101-base", "--strict"], 7),
        ("20261102-same", ["--baseline", "20261101-base"], 0),
    ],
)
def test_a_finished_run_is_judged_again(
    folder: Path, monkeypatch, run: str, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(folder)
    assert main(["report", run, "--exit-code", *arguments]) == code


def test_without_being_asked_a_report_that_could_be_made_is_a_success(folder: Path) -> None:
    assert main(["report", str(folder / "20261104-lossy")]) == 0


def test_the_comparison_stands_in_everything_that_is_written(
    folder: Path, monkeypatch, capsys, tmp_path
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    run = folder / "20261103-slow"
    main(["report", str(run), "--baseline", "20261101-base"])
    assert json.loads((run / "summary.json").read_text())["baseline"]["change"] == "REGRESSED"
    assert "## REGRESSED: 20261103-slow against 20261101-base" in (run / "summary.md").read_text()
    assert "rtbench.baseline" in (run / "junit.xml").read_text()
    assert 'href="compare.html"' in (run / "report.html").read_text()
    assert (run / "compare.html").is_file()
    assert (tmp_path / "job.md").read_text() == (run / "summary.md").read_text() + "\n"
    assert "REGRESSED" in capsys.readouterr().out


def test_thresholds_of_the_command_line_are_judged_besides_the_runs_own(options, folder: Path) -> None:
    run = folder / "20261102-same"
    report_run(options(), run, (parse_threshold("turns:count>=10"),))
    thresholds = json.loads((run / "summary.json").read_text())["thresholds"]
    assert [(each["metric"], each["status"], each["actual"]) for each in thresholds] == [
        ("turns", "passed", 240.0)
    ]
