"""Runs by a path: one, or a folder of them."""

from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.results.run_listing import find_runs, is_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("20261102-020000-calls", "20261101-020000-calls", "history"):
        (tmp_path / name).mkdir()
        if name != "history":
            (tmp_path / name / "run.json").write_text("{}")
    (tmp_path / "README.md").write_text("")
    return tmp_path


def test_a_folder_gives_its_runs_the_oldest_first(folder: Path) -> None:
    assert [run.name for run in find_runs(folder)] == ["20261101-020000-calls", "20261102-020000-calls"]


def test_a_run_gives_itself(folder: Path) -> None:
    run = folder / "20261101-020000-calls"
    assert find_runs(run) == [run]
    assert is_run(run) and not is_run(folder / "history") and not is_run(folder / "absent")


@pytest.mark.parametrize(
    ("name", "told"),
    [("absent", "no such run"), ("history", "neither a run nor a folder of runs"), ("README.md", "no such")],
)
def test_what_holds_no_run_is_a_usage_error(folder: Path, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        find_runs(folder / name)
