"""The baseline of a run: what is taken from a folder, and what is refused by name."""

from pathlib import Path

import pytest

from rtbench.analysis.compare_metric import Change
from rtbench.core.errors import UsageError
from rtbench.report.baseline import check_baseline, compare_with_baseline

SMALL = {"sessions": 12, "turns": 6}


@pytest.fixture
def folder(night, tmp_path: Path) -> Path:
    """Three nights that fit, one of another corpus, one that is INVALID, and tonight."""
    for day in (1, 2, 3):
        night(f"2026110{day}-calls", folder=tmp_path, day=day, seed=day, **SMALL)
    night("20261104-other", folder=tmp_path, day=4, corpus={"name": "other", "sha256": "1"}, **SMALL)
    night("20261105-void", folder=tmp_path, day=5, rows_lost=4, **SMALL)
    night("20261106-calls", folder=tmp_path, day=6, seed=6, **SMALL)
    return tmp_path


def test_the_latest_is_the_newest_that_can_be_compared(folder: Path) -> None:
    found = compare_with_baseline(folder / "20261106-calls", "latest")
    assert found.base == ["20261103-calls"]


def test_of_a_folder_all_that_fit_are_taken_the_oldest_first(folder: Path) -> None:
    found = compare_with_baseline(folder / "20261106-calls", str(folder))
    assert found.base == ["20261101-calls", "20261102-calls", "20261103-calls"]


def test_a_run_that_is_named_must_fit(folder: Path) -> None:
    found = compare_with_baseline(folder / "20261106-calls", str(folder / "20261101-calls"))
    assert found.base == ["20261101-calls"]
    with pytest.raises(UsageError, match="corpus"):
        compare_with_baseline(folder / "20261106-calls", str(folder / "20261104-other"))


def test_the_first_night_has_nothing_to_be_compared_with(night, tmp_path: Path) -> None:
    run = night("20261101-calls", folder=tmp_path, **SMALL)
    found = compare_with_baseline(run, "latest")
    assert (found.change, found.base) == (Change.INCONCLUSIVE, [])
    assert (
        found.sentence
        == f"20261101-calls has no baseline: No other run in {tmp_path} can be compared with it."
    )


def test_a_baseline_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    check_baseline("latest")
    check_baseline(str(tmp_path))
    with pytest.raises(UsageError, match="no such run"):
        check_baseline(str(tmp_path / "absent"))
