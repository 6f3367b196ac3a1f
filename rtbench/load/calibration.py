"""The holding of a calibration: rising numbers of callers against the embedded emulator, in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rtbench.analysis.capacity_search import Found, Judgement, Search, SearchPlan, Trial
from rtbench.analysis.capacity_step import StepResult
from rtbench.core.errors import RunInvalid
from rtbench.engine.target import EMULATOR
from rtbench.load.capacity import CapacitySearch
from rtbench.load.capacity_plan import CapacityPlan, StepTimes
from rtbench.load.run import LedLoad, RunOptions, run

SCENARIO = """\
name: calibration
transport: {transport}
session:
  turn_detection: {{type: server_vad, silence_duration_ms: 200}}
conversation:
  - repeat:
      times: 20
      steps:
        - say: {{role: yes_no}}
        - listen
        - say: {{role: yes_no}}
        - interrupt: {{role: interruption, heard: 800 ms .. 1500 ms}}
        - listen
think_time: 100 ms .. 500 ms
between_calls: 0 ms
emulator:
  response_delay: {{empirical: [0 ms, 50 ms, 200 ms, 800 ms]}}
  leading_silence: {{empirical: [0 ms, 100 ms, 400 ms]}}
  replies: [reply_yes, reply_goodbye]
"""
"""Delays of every size, and interruptions: what the emulator's log knows the truth of."""


@dataclass(frozen=True, slots=True)
class CalibrationOrder:
    """What is to be calibrated."""

    transport: str
    levels: Sequence[int]
    """Callers at a time, rising."""

    hold_s: float
    workers: int
    command: Sequence[str]


def rising(levels: Sequence[int]) -> Search:
    """Level after level, until the generator cannot keep up."""
    held: float | None = None
    for level in levels:
        if (yield Trial(float(level), "step up")) is Judgement.GENERATOR:
            return Found("generator", held, stopped_at=float(level))
        held = float(level)
    return Found("most", held)


def hold_calibration(
    order: CalibrationOrder, folder: Path, console: Console, note: Callable[[StepResult], None]
) -> Path:
    """Hold the levels, telling each that is over to `note`; the run's directory, in `folder`.

    Raises RtbenchError where the run could not be held, KeyboardInterrupt where it was interrupted.
    """
    scenario = folder / "calibration.yaml"
    scenario.write_text(SCENARIO.format(transport=order.transport), encoding="utf-8")
    most = max(order.levels)
    plan = CapacityPlan(
        slos=(),
        search=SearchPlan(float(order.levels[0]), float(most)),
        scenario="calibration",
        transport=order.transport,
        most_users=most,
        times=StepTimes(reach_s=4.0, settle_s=4.0, hold_s=order.hold_s, longest_s=order.hold_s),
    )
    search = CapacitySearch(plan, note, rising(order.levels))
    options = RunOptions(
        scenario=scenario,
        target=EMULATOR,
        transport=order.transport,
        out=folder,
        command=order.command,
        workers=order.workers,
    )
    led = LedLoad(search.drive, most, {"calibration": {"levels": list(order.levels)}}, search.watch)
    end = run(options, console, led)
    if end.failure is not None:
        raise end.failure
    if end.interrupted:
        raise KeyboardInterrupt
    if end.directory is None or search.found is None:
        raise RunInvalid("The calibration did not come to its end.")
    return end.directory
