"""The baseline of a run: what is taken from a folder, and what is refused by name."""

from pathlib import Path

import pytest

from rtbench.analysis.compare_metric import Change
from rtbench.core.errors import UsageError
from rtbench.report.baseline import check_baseline, check_fits, compare_with_baseline
from rtbench.results.reader import read_run

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


def test_the_newest_is_told_by_when_it_began_and_not_by_its_name(night, folder: Path) -> None:
    """As the example that comes with rtbench, whose name sorts behind every date."""
    night("example", folder=folder, day=1, seed=9, **SMALL)
    night("an-evening", folder=folder, seed=8, started_at="2026-11-05T23:30:00-08:00", **SMALL)
    night("a-morning", folder=folder, seed=7, started_at="2026-11-06T08:00:00+01:00", **SMALL)
    found = compare_with_baseline(folder / "20261106-calls", "latest")
    assert found.base == ["an-evening"]
    found = compare_with_baseline(folder / "20261106-calls", str(folder))
    assert found.base[-3:] == ["20261103-calls", "a-morning", "an-evening"]
    assert set(found.base[:2]) == {"20261101-calls", "example"}


@pytest.mark.parametrize(
    ("name", "content"), [("run.json", b"{"), ("run.json", b"[]"), ("turns.parquet", b"not a table")]
)
def test_a_night_that_cannot_be_read_does_not_cost_the_others(
    folder: Path, name: str, content: bytes
) -> None:
    (folder / "20261103-calls" / name).write_bytes(content)
    found = compare_with_baseline(folder / "20261106-calls", str(folder))
    assert found.base == ["20261101-calls", "20261102-calls"]


def test_of_a_folder_all_that_fit_are_taken_the_oldest_first(folder: Path) -> None:
    found = compare_with_baseline(folder / "20261106-calls", str(folder))
    assert found.base == ["20261101-calls", "20261102-calls", "20261103-calls"]


def test_a_run_that_is_named_must_fit(folder: Path) -> None:
    found = compare_with_baseline(folder / "20261106-calls", str(folder / "20261101-calls"))
    assert found.base == ["20261101-calls"]
    with pytest.raises(UsageError, match="corpus"):
        compare_with_baseline(folder / "20261106-calls", str(folder / "20261104-other"))


def test_what_can_be_known_of_a_named_run_is_known_beforehand(folder: Path) -> None:
    run = read_run(folder / "20261106-calls").provenance
    for fits in ("latest", str(folder), str(folder / "20261101-calls")):
        check_fits(fits, run, "tonight")
    with pytest.raises(
        UsageError, match=r"^--baseline: 20261104-other and tonight cannot be compared: corpus "
    ):
        check_fits(str(folder / "20261104-other"), run, "tonight")
    with pytest.raises(UsageError, match=r"^20261105-void cannot be compared: it is INVALID"):
        check_fits(str(folder / "20261105-void"), run, "tonight")
    check_fits(str(folder / "20261105-void"), run, "tonight", allow_invalid=True)


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
    check_baseline(str(tmp_path / "absent"), tmp_path / "absent")
    for out in (None, tmp_path):
        with pytest.raises(UsageError, match="no such run"):
            check_baseline(str(tmp_path / "absent"), out)
