"""A service's capacity as it was found: the steps, what broke first, and the one plain sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from rtbench.analysis.capacity_search import Found, Judgement
from rtbench.analysis.capacity_step import StepResult
from rtbench.analysis.quantiles import samples_needed
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.analysis.verdict import Level
from rtbench.core.errors import ExitCode
from rtbench.scenario.threshold import Threshold


@dataclass(frozen=True, slots=True)
class ReferenceWait:
    """What the one caller of the reference session waited while a step was measured."""

    n: int
    median_ms: float | None
    """None where n does not suffice; infinite where more than half was never answered."""


@dataclass(frozen=True, slots=True)
class CapacityResult:
    """What a search came to."""

    scenario: str
    target: str
    transport: str
    open_load: bool
    """Levels are calls per second, not callers."""

    slos: tuple[Threshold, ...]
    found: Found
    steps: tuple[StepResult, ...]
    reference: tuple[ReferenceWait, ...] = ()
    """By step; empty where there was no reference session."""

    @property
    def unit(self) -> str:
        """What a level counts."""
        return "calls per second" if self.open_load else "concurrent calls"

    @property
    def by_level(self) -> list[StepResult]:
        """The steps by their load, those that say nothing of the service left out."""
        judged = [step for step in self.steps if step.judgement is not Judgement.GENERATOR]
        return sorted(judged, key=lambda step: step.level)

    @property
    def first_to_break(self) -> tuple[StepResult, ThresholdResult] | None:
        """The lowest load that broke an SLO, and the SLO that is furthest beyond its limit there."""
        for step in self.by_level:
            if step.judgement is Judgement.BREAKS and step.broken:
                return step, step.broken[0]
        return None

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        doubtful = any(step.verdict.level is Level.SUSPECT for step in self.by_level)
        return f"With reservations: {self._sentence()}" if doubtful else self._sentence()

    def _sentence(self) -> str:
        found, level = self.found, self._told(self.found.level)
        slos = " and ".join(map(str, self.slos))
        match found.ending:
            case "edge":
                told = f"{level} ± {_number(found.margin)} {self.unit} hold {slos}; {self._break_told()}"
                return told if found.confirmed else f"{told} Held for longer, it did not last."
            case "most":
                return f"All that was allowed, {level} {self.unit}, hold {slos}; nothing broke."
            case "nothing_holds":
                lowest = min((step.level for step in self.by_level), default=None)
                return f"Not even {self._told(lowest)} {self.unit} hold {slos}; {self._break_told()}"
            case "generator":
                stopped = self._told(found.stopped_at)
                least = f"The service holds at least {level}; its capacity is not known." if level else ""
                return (
                    f"No capacity: at {stopped} {self.unit} this machine could not keep up "
                    f"({self._generator_told()}). {least}".strip()
                )
            case "samples":
                stopped = self._told(found.stopped_at)
                return (
                    f"No capacity: at {stopped} {self.unit} too few turns came to an end to judge {slos} by."
                )
            case "budget":
                least = f"at least {level} {self.unit} hold {slos}" if level else f"no load held {slos}"
                return f"No capacity: the budget was spent before the search was over. Until then {least}."

    @property
    def exit_code(self) -> ExitCode:
        """Of the command that searched."""
        return {
            "edge": ExitCode.PASS,
            "most": ExitCode.PASS,
            "nothing_holds": ExitCode.THRESHOLD_FAILED,
            "generator": ExitCode.INVALID,
            "samples": ExitCode.INCONCLUSIVE,
            "budget": ExitCode.BUDGET,
        }[self.found.ending]

    def _break_told(self) -> str:
        first = self.first_to_break
        if first is None:
            return "above it too few turns came to an end."
        step, result = first
        actual = result.actual
        value = "never answered" if actual == float("inf") else _number(actual or 0.0)
        threshold = result.threshold
        what = (
            threshold.selector
            if threshold.statistic == "rate"
            else f"{threshold.selector} {threshold.statistic}"
        )
        return f"the first to break is {what} ({value} at {self._told(step.level)})."

    def _generator_told(self) -> str:
        last = next((step for step in reversed(self.steps) if step.verdict.findings), None)
        return last.verdict.findings[0].message.rstrip(".") if last else "its callers were all taken"

    def _told(self, level: float | None) -> str:
        return "" if level is None else _number(level)


def held_so_far(steps: Sequence[StepResult]) -> float | None:
    """The highest load that held, below all that broke; None where none did."""
    lowest_broken = min(
        (step.level for step in steps if step.judgement is Judgement.BREAKS), default=math.inf
    )
    held = (step.level for step in steps if step.judgement is Judgement.HOLDS and step.level < lowest_broken)
    return max(held, default=None)


def reference_waits(turns: pd.DataFrame, steps: Sequence[StepResult]) -> tuple[ReferenceWait, ...]:
    """The waits of the reference session's turns, by the step while which their speech ended."""
    found = []
    for step in steps:
        at_ns = turns["at_unix_ns"].astype("Int64")
        end_ns = step.started_unix_ns + round(step.seconds * 1e9)
        inside = turns[(at_ns >= step.started_unix_ns) & (at_ns < end_ns) & ~turns["void"]]
        waits = inside["voice_to_voice_ms"].fillna(float("inf"))[inside["expects_answer"]]
        enough = len(waits) >= samples_needed(0.5)
        found.append(ReferenceWait(len(waits), float(waits.median()) if enough else None))
    return tuple(found)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
