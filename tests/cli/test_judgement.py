"""What a finished run comes to: report, comparison, job's page and exit code."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from rtbench.cli.judgement import report_run
from rtbench.cli.main import main
from rtbench.cli.run_judging import add_run_options
from rtbench.core.errors import UsageError
from rtbench.report import build
from rtbench.report.worst import Worst
from rtbench.scenario.threshold import parse_threshold


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    return parser.parse_args(arguments)


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


def test_thresholds_of_the_command_line_are_judged_besides_the_runs_own(folder: Path) -> None:
    run = folder / "20261102-same"
    report_run(parsed(), run, (parse_threshold("turns:count>=10"),))
    thresholds = json.loads((run / "summary.json").read_text())["thresholds"]
    assert [(each["metric"], each["status"], each["actual"]) for each in thresholds] == [
        ("turns", "passed", 240.0)
    ]


@pytest.fixture
def unlike(night, folder: Path) -> str:
    """A run in which callers waited as long, in another load."""
    return str(night("20261031-other", folder=folder, sessions=20, users=50))


def test_a_baseline_that_turns_out_not_to_fit_costs_no_report(
    folder: Path, unlike: str, monkeypatch, tmp_path: Path, capsys
) -> None:
    """The scenario's file may change while it is held, for instance."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    run = folder / "20261102-same"
    told = "20261031-other and 20261102-same cannot be compared: scenarios differ in users."
    with pytest.raises(UsageError, match=f"^{told}$"):
        report_run(parsed("--baseline", unlike), run)
    content = json.loads((run / "summary.json").read_text())
    assert content["baseline"]["change"] == "INCONCLUSIVE"
    assert told in (run / "junit.xml").read_text()
    assert told in (tmp_path / "job.md").read_text()
    assert capsys.readouterr().out.splitlines()[-1] == str(run / "report.html")


def test_a_baseline_that_has_gone_meanwhile_costs_no_report(folder: Path) -> None:
    run, gone = folder / "20261102-same", folder / "20261101-base"
    args = parsed("--baseline", str(gone))
    shutil.rmtree(gone)
    with pytest.raises(UsageError, match="20261101-base"):
        report_run(args, run)
    assert (run / "summary.md").is_file() and (run / "junit.xml").is_file()


def test_a_run_that_another_program_reports_on_is_not_added_to_the_jobs_page(
    folder: Path, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    report_run(parsed(), folder / "20261102-same", publish=False)
    assert not (tmp_path / "job.md").exists()
