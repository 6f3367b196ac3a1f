"""A service's capacity as it was found: the steps, what broke first, and the one plain sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from rtbench.analysis.capacity_search import Found, Judgement, highest_held
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

    cap: int | None = None
    """Calls that an open load could have at a time; None for callers."""

    @property
    def unit(self) -> str:
        """What a level counts."""
        return "calls per second" if self.open_load else "concurrent calls"

    @property
    def by_level(self) -> list[StepResult]:
        """The steps by their load, those that say nothing of the service left out."""
        judged = [step for step in self.steps if step.judgement.tells]
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
        found, unit, broke = self.found, self.unit, self._break_told()
        level, stopped = self._told(found.level), self._told(found.stopped_at)
        slos = " and ".join(map(str, self.slos))
        least = f" The service holds at least {level}; its capacity is not known." if level else ""
        match found.ending:
            case "edge":
                told = f"{level} ± {_number(found.margin)} {unit} hold {slos}; {broke}"
            case "most":
                told = f"All that was allowed, {level} {unit}, hold {slos}; nothing broke."
            case "unconfirmed":
                told = (
                    f"No capacity: {_number(max(found.edges))} {unit} held {slos} at first, but tried again, "
                    f"or for longer, no load down to {stopped} did; {broke}"
                )
                least = f" For a short time the service holds at least {level}." if level else ""
            case "nothing_holds":
                further = " Lower rates are tried with a lower --from." if self.open_load else ""
                told = f"Not even {self._told(self._lowest)} {unit} hold {slos}; {broke}{further}"
            case "generator":
                told = f"No capacity: at {stopped} {unit} this machine could not keep up{self._generator_told()}."
            case "cap":
                told = (
                    f"No capacity: at {stopped} {unit} all {self.cap or 0:,} calls that --cap allows at a time were "
                    "under way, so that no more could begin. A higher --cap goes further."
                )
            case "samples":
                why = "." if level or self.first_to_break is None else f"; {broke}"
                told = (
                    f"No capacity: at {stopped} {unit} too few turns came to an end to judge {slos} by{why}"
                )
            case "budget":
                until = f"at least {level} {unit} hold {slos}" if level else f"no load held {slos}"
                told = f"No capacity: the budget was spent before the search was over. Until then {until}."
        return told if found.ending in ("edge", "most", "budget") else told + least

    @property
    def exit_code(self) -> ExitCode:
        """Of the command that searched.

        A load that broke an SLO once it was held for as long as an answer has to be is a threshold that
        failed, as is one that never held. Too few samples and too low a cap speak neither of the service nor
        of this machine.
        """
        return {
            "edge": ExitCode.PASS,
            "most": ExitCode.PASS,
            "unconfirmed": ExitCode.THRESHOLD_FAILED,
            "nothing_holds": ExitCode.THRESHOLD_FAILED,
            "generator": ExitCode.INVALID,
            "cap": ExitCode.INCONCLUSIVE,
            "samples": ExitCode.INCONCLUSIVE,
            "budget": ExitCode.BUDGET,
        }[self.found.ending]

    @property
    def _lowest(self) -> float | None:
        return min((step.level for step in self.by_level), default=None)

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
        """What was found at the step that ended the search: the last one, as others may have got over theirs."""
        findings = self.steps[-1].verdict.findings if self.steps else ()
        return f" ({findings[0].message.rstrip('.')})" if findings else ""

    def _told(self, level: float | None) -> str:
        return "" if level is None else _number(level)


def held_so_far(steps: Sequence[StepResult]) -> float | None:
    """The highest load that held, below all that broke; None where none did."""
    return highest_held((step.level, step.judgement) for step in steps)


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
