"""The holding of a sweep: a grid of settings, and a run in a process of its own for each of its points.

A process for each: Locust's runner and what it patches are made once per process, and a point must
not inherit anything from the one before it.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtbench.analysis.sweep import SweepPoint
from rtbench.core.errors import ExitCode, UsageError
from rtbench.results.run_directory import RUN_JSON, safe_name
from rtbench.scenario.effective import effective_text
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario
from rtbench.scenario.overrides import parse_value

MOST_POINTS = 200
"""A larger grid is more likely a slip of the hand than a night's work."""

FATAL = frozenset({ExitCode.USAGE, ExitCode.TARGET, ExitCode.BUDGET, ExitCode.INTERRUPTED})
"""Exit codes of a run after which the next point would fare no better."""


@dataclass(frozen=True, slots=True)
class PreparedPoint:
    """A point with the scenario that its run is to read."""

    point: SweepPoint
    text: str
    scenario: Scenario

    @property
    def folder(self) -> str:
        return f"{self.point.number:02d}-{safe_name(self.point.label)[:80]}"


@dataclass(frozen=True, slots=True)
class HeldPoint:
    """A point whose run is over. `run` is its directory, None where it never began."""

    point: SweepPoint
    run: Path | None
    exit_code: int


def grid(settings: Sequence[str]) -> list[SweepPoint]:
    """Every combination of the values of `KEY=V1,V2,...`, the last key varying fastest.

    Values are read as those of a scenario are. Raises UsageError for what has not this form, a key that
    is given twice, and a grid of more than MOST_POINTS points.
    """
    axes: dict[str, list[Any]] = {}
    for written in settings:
        key, equals, text = (part.strip() for part in written.partition("="))
        if not equals or not key or not text:
            raise UsageError(f"--set: '{written}' is not KEY=VALUE,VALUE,...")
        if key in axes:
            raise UsageError(f"--set: {key} is given twice")
        axes[key] = _values(key, text)
    return _combinations(axes, "--set")


def scenario_grid(path: Path) -> list[SweepPoint]:
    """The points that a scenario carries under `sweep`. Raises UsageError where it has none, or too many."""
    scenario = load_scenario(path)
    carried = scenario.sweep
    if carried is None:
        raise UsageError(f"{path}: carries no sweep; name what is to vary by --set KEY=V1,V2,...")
    where = f"{path}: sweep"
    if isinstance(carried, dict):
        return _combinations(carried, where)
    if len(carried) > MOST_POINTS:
        raise UsageError(f"{where}: {len(carried):,} points are too many; the most is {MOST_POINTS}")
    return [SweepPoint(number, dict(settings)) for number, settings in enumerate(carried, start=1)]


def _combinations(axes: Mapping[str, Sequence[Any]], where: str) -> list[SweepPoint]:
    combinations = list(itertools.product(*axes.values()))
    if len(combinations) > MOST_POINTS:
        raise UsageError(f"{where}: {len(combinations):,} points are too many; the most is {MOST_POINTS}")
    return [
        SweepPoint(number, dict(zip(axes, values, strict=True)))
        for number, values in enumerate(combinations, start=1)
    ]


def prepare(scenario: Path, points: Sequence[SweepPoint]) -> list[PreparedPoint]:
    """The points with their scenarios, all validated. Raises UsageError naming file and key at the first fault."""
    prepared = []
    for point in points:
        changed = load_scenario(scenario, overrides=point.settings)
        assert changed.source is not None  # it was read from a file
        prepared.append(PreparedPoint(point, effective_text(changed.source), changed))
    return prepared


def hold_sweep(
    directory: Path,
    points: Sequence[PreparedPoint],
    arguments: Callable[[], Sequence[str] | None],
    note: Callable[[HeldPoint], None],
) -> list[HeldPoint]:
    """Run the points one after the other, telling each that is over to `note`.

    `arguments` is asked before each point for the options of its `rtbench run`; None ends the sweep. Each gets
    a folder in `directory` with its scenario and, in it, its run's directory. A signal to stop is passed on
    to the run under way, which drains; the sweep ends with it, as with a run whose exit code is in FATAL.
    A sweep that is killed takes the run under way with it, whose standard input then ends. Raises UsageError
    where the folder cannot be written to.
    """
    held: list[HeldPoint] = []
    with _Stopper.installed() as stopper:
        for each in points:
            options = arguments()
            if options is None:
                break
            point = _hold(directory / each.folder, each, options, stopper)
            held.append(point)
            note(point)
            if stopper.stopped or point.exit_code in FATAL:
                break
    return held


def _hold(folder: Path, prepared: PreparedPoint, arguments: Sequence[str], stopper: _Stopper) -> HeldPoint:
    scenario = folder / "scenario.yaml"
    try:
        folder.mkdir()
        scenario.write_text(prepared.text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written to ({error.strerror}).") from error
    command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--out", str(folder)]
    command += ["--with-parent", *arguments]
    # What the run prints at its end is in its report; progress and errors stay on standard error.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        stopper.watch(process)
        code = process.wait()
    if stopper.stopped or code < 0:
        code = int(ExitCode.INTERRUPTED)
    runs = sorted(path.parent for path in folder.glob(f"*/{RUN_JSON}"))
    return HeldPoint(prepared.point, runs[-1] if runs else None, code)


class _Stopper:
    """Passes the signals that stop a sweep on to the run under way."""

    def __init__(self) -> None:
        self.stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def installed(cls) -> Iterator[_Stopper]:
        stopper = cls()
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, stopper._stop) for number in numbers}
        try:
            yield stopper
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        if self.stopped:
            process.send_signal(signal.SIGINT)

    def _stop(self, *_: object) -> None:
        self.stopped = True
        if self._process is not None:
            # At a terminal the run has had its own already; a second one changes nothing.
            self._process.send_signal(signal.SIGINT)


def _values(key: str, text: str) -> list[Any]:
    values = parse_value(f"[{text}]", f"--set {key}")
    if not isinstance(values, list) or not values:
        raise UsageError(f"--set: {key} has no values")
    return values
