"""Finding runs: a path that is one, or a folder of several."""

from __future__ import annotations

from pathlib import Path

from rtbench.core.errors import UsageError
from rtbench.results.run_directory import RunDirectory


def find_runs(path: Path) -> list[Path]:
    """The run at `path`, or the runs in the folder `path`, the oldest first by their names.

    Raises UsageError where there is none.
    """
    if not path.is_dir():
        raise UsageError(f"{path}: no such run, nor a folder of runs.")
    if is_run(path):
        return [path]
    runs = sorted(entry for entry in path.iterdir() if entry.is_dir() and is_run(entry))
    if not runs:
        raise UsageError(f"{path}: neither a run nor a folder of runs.")
    return runs


def is_run(path: Path) -> bool:
    """Whether a run left this directory behind."""
    try:
        RunDirectory.open(path)
    except UsageError:
        return False
    return True
