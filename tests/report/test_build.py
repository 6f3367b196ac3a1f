import json
import shutil
from pathlib import Path

import pytest

from rtbench.analysis.calibration import Calibration, CalibrationLevel, fingerprint
from rtbench.analysis.measurement_error import MeasurementError
from rtbench.analysis.summary import Summary
from rtbench.analysis.verdict import Level
from rtbench.core.errors import UsageError
from rtbench.report import build
from rtbench.report.build import load_run, make_report
from rtbench.report.figures import FIGURES, TURN_TAKING_FIGURES
from rtbench.results.machine_files import calibration_file, write_machine_file


@pytest.fixture(scope="module")
def reported(synthetic_run: Path) -> tuple[Path, Summary]:
    return synthetic_run, make_report(synthetic_run)


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn is for the whole build to show; here it only takes time."""
    monkeypatch.setattr(build, "FIGURES", {"errors": FIGURES["errors"]})
    monkeypatch.setattr(build, "TURN_TAKING_FIGURES", {})


def test_a_report_is_everything_that_a_run_leaves_behind_to_be_read(reported: tuple[Path, Summary]) -> None:
    path, summary = reported
    content = json.loads((path / "summary.json").read_text())
    assert content["verdict"]["level"] == summary.verdict.level
    assert (path / "summary.md").read_text().startswith(f"# {summary.verdict.level}")
    assert {file.stem for file in (path / "figures").iterdir()} == {*FIGURES, *TURN_TAKING_FIGURES}
    pictures = [file.name.startswith("interruption") for file in (path / "worst").glob("*.png")]
    assert (pictures.count(False), pictures.count(True)) == (5, 5)


def test_the_page_shows_every_figure_and_stays_small(reported: tuple[Path, Summary]) -> None:
    page = (reported[0] / "report.html").read_text()
    assert page.count("<figure") == len(FIGURES) + len(TURN_TAKING_FIGURES) + 5 + 5
    assert page.count("<audio") == len(list((reported[0] / "worst").glob("*.wav"))) > 0
    assert len(page) < 3_000_000


def test_turns_are_joined_with_what_the_emulator_did(reported: tuple[Path, Summary]) -> None:
    error = reported[1].measurement_error
    assert error is not None
    assert error.mean_ms == pytest.approx(0.3, abs=0.15)
    assert reported[1].turn_taking is not None
    assert reported[1].turn_taking.measurement_errors["barge_in_server_stop_ms"].mean_ms == pytest.approx(
        0.4, abs=0.15
    )


@pytest.mark.usefixtures("few_figures")
def test_of_a_run_that_was_killed_the_report_can_still_be_made(make_run, tmp_path: Path) -> None:
    whole = make_run(sessions=2, turns=1, seed=4, ended_well=False)
    for name in ("turns.parquet", "run.json"):
        shutil.copy(whole / name, tmp_path)
    summary = make_report(tmp_path)
    assert summary.verdict.level is Level.INVALID
    assert summary.verdict.findings[0].code == "not_ended"
    assert len(load_run(tmp_path).turns) > 0


@pytest.mark.usefixtures("few_figures")
def test_a_run_that_left_nothing_has_a_report_without_figures(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "errors.png").touch()
    assert make_report(tmp_path).verdict.level is Level.INVALID
    assert list((tmp_path / "figures").iterdir()) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run"):
        make_report(tmp_path)


def test_a_run_that_cannot_be_written_to_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UsageError, match=r"the report cannot be written \(.+\)\.$"):
        make_report(tmp_path)


@pytest.mark.usefixtures("few_figures")
def test_what_a_calibration_of_the_machine_found_is_told_to_programs_too(
    make_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_run(sessions=2, turns=2, seed=5)
    provenance = json.loads((path / "run.json").read_text())
    error = MeasurementError(1200, 0.3, 0.21, 1.87, 9.31)
    level = CalibrationLevel(50, Level.VALID, 1234, {"voice_to_voice_ms": error}, 0.2, 1.5, 0.31, 1.1)
    machine = fingerprint(provenance["host"])
    version = provenance["versions"]["rtbench"]
    made = Calibration(machine, provenance["transport"], "2026-11-26T06:00:00+00:00", version, (level,))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_machine_file(calibration_file(machine, provenance["transport"]), made.as_dict())

    assert make_report(path).error_bar == made.error_bar(
        2, version, provenance["reconciliation"]["workers_planned"]
    )
    content = json.loads((path / "summary.json").read_text())
    assert (content["error_bar"]["p99_abs_ms"], content["error_bar"]["sessions"]) == (1.87, 50)
    assert "±1.87 ms" in (path / "summary.md").read_text()
    assert "±1.87 ms" in (path / "report.html").read_text()
