"""The baseline of a run: earlier runs that it can be held against.

What can be known of it before the run is checked then, and refused. Afterwards nothing of it may cost the run its report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rtbench.analysis.comparability import differences, refuse_invalid
from rtbench.analysis.compare import Comparison, compare, verdict_of
from rtbench.analysis.compare_metric import Change
from rtbench.analysis.verdict import Level
from rtbench.core.errors import UsageError
from rtbench.results.reader import Run, read_run
from rtbench.results.run_directory import RunDirectory
from rtbench.results.run_listing import find_runs, is_run

LATEST = "latest"

MOST_RUNS = 14
"""Of a folder the newest so many that fit: two weeks of nights tell what a night does, and older ones what was."""


def check_baseline(baseline: str, out: Path | None = None) -> None:
    """Raises UsageError where a baseline is neither `latest`, nor a run, nor a folder that is there.

    `out`, the folder that the run itself makes where it is missing, need not be there yet: so it is on the first night.
    """
    named = Path(baseline)
    if baseline == LATEST or named.is_dir() or (out is not None and named.resolve() == out.resolve()):
        return
    find_runs(named)


def check_fits(baseline: str, run: Mapping[str, Any], told: str, *, allow_invalid: bool = False) -> None:
    """Raises UsageError where a baseline is one run, by name, that cannot be compared with a run.

    `run`: what its `run.json` holds, or will hold once it is held; `told`: that run in words.
    """
    if baseline == LATEST or not is_run(Path(baseline)):
        return
    base = read_run(Path(baseline))
    if not allow_invalid:
        refuse_invalid(base, verdict_of(base))
    if found := list(differences(base.provenance, run)):
        raise UsageError(f"--baseline: {base.name} and {told} cannot be compared: {'; '.join(found)}.")


def compare_with_baseline(directory: Path, baseline: str, *, allow_invalid: bool = False) -> Comparison:
    """The run in `directory` against `latest` (of the same folder), one run, or a folder of runs.

    A run that is named must fit: raises UsageError where it does not, or where nothing of that name is there. From a folder those are taken that
    fit and can be read; where there is none, as on the first night, the comparison is inconclusive and says why.
    """
    check_baseline(baseline)
    run = read_run(directory)
    named = Path(baseline)
    if baseline != LATEST and is_run(named):
        return compare([read_run(named)], [run], allow_invalid=allow_invalid)
    folder = directory.parent if baseline == LATEST else named
    most = 1 if baseline == LATEST else MOST_RUNS
    fitting = list(_fitting(folder, run, most, allow_invalid))
    if not fitting:
        return without_baseline(directory, f"No other run in {folder} can be compared with it.")
    return compare(fitting[::-1], [run], allow_invalid=allow_invalid)


def without_baseline(directory: Path, why: str) -> Comparison:
    """Of a run that could not be compared with anything: inconclusive, with the reason in a sentence."""
    return Comparison([], [directory.resolve().name], Change.INCONCLUSIVE, [], [], [why])


def _fitting(folder: Path, run: Run, most: int, allow_invalid: bool) -> Iterator[Run]:
    """Those that can be compared with a run, the newest first.

    One that can no longer be read says nothing, and costs the others nothing. Tables are read of those only that are
    taken: a folder may hold a year of nights.
    """
    here = run.directory.path.resolve()
    paths = [path for path in folder.iterdir() if path.resolve() != here and is_run(path)]
    found = [(path, told) for path in paths if (told := _run_json(path))]
    alike = [(path, told) for path, told in found if not any(differences(run.provenance, told))]
    left = most
    for path, _ in sorted(alike, key=lambda each: _started(each[1]), reverse=True):
        if not left:
            return
        try:
            other = read_run(path)
        except UsageError:
            continue
        if not allow_invalid and verdict_of(other).level is Level.INVALID:
            continue
        left -= 1
        yield other


def _run_json(path: Path) -> dict[str, Any]:
    """The content of a run's `run.json`; empty where it has none that can be read."""
    try:
        content = json.loads(RunDirectory(path).run_json.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _started(run: Mapping[str, Any]) -> float:
    """When a run began, in seconds; before all others where it does not say. Its directory may have any name."""
    try:
        return datetime.fromisoformat(str(run.get("started_at"))).timestamp()
    except ValueError:
        return float("-inf")
