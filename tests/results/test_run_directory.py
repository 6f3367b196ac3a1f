from datetime import datetime
from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.results.run_directory import RunDirectory, make_directory, safe_name

WHEN = datetime(2026, 11, 23, 7, 5, 9)


def test_a_run_is_named_after_its_start_and_its_scenario(tmp_path: Path) -> None:
    assert RunDirectory.create(tmp_path, "quickstart", WHEN).path == tmp_path / "20261123-070509-quickstart"


def test_runs_that_start_in_one_second_do_not_share_a_directory(tmp_path: Path) -> None:
    names = [RunDirectory.create(tmp_path, "x", WHEN).path.name for _ in range(3)]
    assert names == ["20261123-070509-x", "20261123-070509-x-2", "20261123-070509-x-3"]


@pytest.mark.parametrize("scenario", ["../../etc", "a b/c", "..", ""])
def test_a_scenario_name_never_leads_out_of_the_base(tmp_path: Path, scenario: str) -> None:
    assert RunDirectory.create(tmp_path, scenario, WHEN).path.parent == tmp_path


def test_the_folders_for_trace_worst_turns_and_figures_are_there_from_the_start(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path / "reports", "x", WHEN)
    assert sorted(path.name for path in directory.path.iterdir()) == ["figures", "trace", "worst"]


def test_a_base_that_cannot_be_written_to_is_told_in_one_sentence(tmp_path: Path) -> None:
    occupied = tmp_path / "reports"
    occupied.write_text("a file")
    with pytest.raises(UsageError, match=r"reports: the output folder cannot be written to \(.+\)\.$"):
        RunDirectory.create(occupied, "x", WHEN)


def test_a_folder_that_no_run_left_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not a run: neither run\.json nor a table"):
        RunDirectory.open(tmp_path)
    with pytest.raises(UsageError, match="no such run"):
        RunDirectory.open(tmp_path / "absent")


@pytest.mark.parametrize("name", ["run.json", "turns.parquet", "sessions.parts"])
def test_what_a_killed_run_left_is_enough_to_open_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert RunDirectory.open(tmp_path).path == tmp_path


def test_other_directories_are_named_as_those_of_runs_are(tmp_path: Path) -> None:
    first, second = (make_directory(tmp_path, "vad_sweep-sweep", WHEN) for _ in range(2))
    assert (first.name, second.name) == (
        "20261123-070509-vad_sweep-sweep",
        "20261123-070509-vad_sweep-sweep-2",
    )
    assert list(first.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [("silence_duration_ms=200, threshold=0.5", "silence_duration_ms-200-threshold-0.5"), ("../..", "run")],
)
def test_a_name_from_outside_leads_nowhere_and_needs_no_quotes(name: str, safe: str) -> None:
    assert safe_name(name) == safe
