"""The baseline of a run that has just ended: earlier runs that it can be held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtbench.analysis.comparability import differences
from rtbench.analysis.compare import Comparison, compare, verdict_of
from rtbench.analysis.compare_metric import Change
from rtbench.analysis.verdict import Level
from rtbench.results.reader import Run, read_run
from rtbench.results.run_listing import find_runs, is_run

LATEST = "latest"

MOST_RUNS = 14
"""Of a folder the newest so many that fit: two weeks of nights tell what a night does, and older ones what was."""


def check_baseline(baseline: str) -> None:
    """Raises UsageError where a baseline is neither `latest`, nor a run, nor a folder that is there."""
    if baseline != LATEST and not Path(baseline).is_dir():
        find_runs(Path(baseline))


def compare_with_baseline(directory: Path, baseline: str, *, allow_invalid: bool = False) -> Comparison:
    """The run in `directory` against `latest` (of the same folder), one run, or a folder of runs.

    A run that is named must fit: raises UsageError where it does not. From a folder those are taken that
    fit; where there is none, as on the first night, the comparison is inconclusive and says why.
    """
    run = read_run(directory)
    named = Path(baseline)
    if baseline != LATEST and is_run(named):
        return compare([read_run(named)], [run], allow_invalid=allow_invalid)
    folder = directory.parent if baseline == LATEST else named
    most = 1 if baseline == LATEST else MOST_RUNS
    fitting = list(_fitting(folder, run, most, allow_invalid))
    if not fitting:
        note = f"No other run in {folder} can be compared with it."
        return Comparison([], [run.name], Change.INCONCLUSIVE, [], [], [note])
    return compare(fitting[::-1], [run], allow_invalid=allow_invalid)


def _fitting(folder: Path, run: Run, most: int, allow_invalid: bool) -> Iterator[Run]:
    """Those that can be compared with a run, the newest first."""
    here = run.directory.path.resolve()
    left = most
    for path in sorted(
        (entry for entry in folder.iterdir() if entry.is_dir() and is_run(entry)), reverse=True
    ):
        if not left:
            return
        if path.resolve() == here:
            continue
        other = read_run(path)
        if any(differences(run, other)) or (not allow_invalid and verdict_of(other).level is Level.INVALID):
            continue
        left -= 1
        yield other
