"""A sweep: what a scenario came to at each point of a grid of settings, and which points no other one beats.

Turn detection trades one evil for another: a service that waits longer cuts fewer callers off and
leaves every one of them in silence for longer. A sweep shows the operating points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from rtbench.analysis.delivery import Delivery, measure_delivery
from rtbench.analysis.metric_summary import MetricSummary, summarise_metric, summarise_rate
from rtbench.analysis.rates import Rate
from rtbench.analysis.samples import Rows
from rtbench.analysis.summary import summarise
from rtbench.analysis.turn_taking import ConversationFlow, conversation_flow
from rtbench.analysis.verdict import Level
from rtbench.core.errors import ExitCode
from rtbench.results.reader import Run

SEVERITY = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.TARGET,
    ExitCode.INVALID,
    ExitCode.BUDGET,
    ExitCode.REGRESSION,
    ExitCode.THRESHOLD_FAILED,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASS,
)
"""Exit codes, the worst first: the less is known after it, the worse."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One combination of settings."""

    number: int
    """Its place in the grid, from 1."""

    settings: dict[str, Any]
    """Dotted key of the scenario to value."""

    @property
    def label(self) -> str:
        """The settings by the last part of each key, `silence_duration_ms=300, threshold=0.5`."""
        return ", ".join(f"{last_part(key)}={value_text(value)}" for key, value in self.settings.items())


@dataclass(frozen=True, slots=True)
class PointResult:
    """What the run at a point came to; nothing is known of one that never began."""

    point: SweepPoint
    run: str
    """The run's directory, from that of the sweep; empty where there is none."""

    exit_code: int
    level: Level | None
    turns: int
    """Turns that are not void."""

    dead_air: MetricSummary | None
    """`endpoint_delay_ms` of complete turns: answered ones into which the agent did not break."""

    voice_to_voice: MetricSummary | None
    false_cutoffs: Rate
    cut_ins: Rate
    responses: Rate
    flow: ConversationFlow | None
    delivery: Delivery | None = None

    @property
    def operating_point(self) -> tuple[float, float] | None:
        """Median dead air in ms, and the share of hold pauses cut off; None where either cannot be told."""
        dead_air_ms = self.dead_air.p50.value if self.dead_air else None
        if dead_air_ms is None or self.false_cutoffs.value is None:
            return None
        return dead_air_ms, self.false_cutoffs.value


def measure_point(point: SweepPoint, directory: str, exit_code: int, run: Run | None) -> PointResult:
    """The result of a point whose run, joined with the emulator's log, is in `directory` of the sweep's."""
    nothing = Rate(0, None)
    if run is None:
        return PointResult(point, "", exit_code, None, 0, None, None, nothing, nothing, nothing, None)
    rows = Rows.of(run)
    complete = replace(rows, turns=_complete(rows.turns))
    return PointResult(
        point=point,
        run=directory,
        exit_code=exit_code,
        level=summarise(run).verdict.level,
        turns=len(rows.valid_turns),
        dead_air=summarise_metric("endpoint_delay_ms", "turns", complete),
        voice_to_voice=summarise_metric("voice_to_voice_ms", "turns", rows),
        false_cutoffs=summarise_rate("false_cutoff_rate", "turns", rows).rate,
        cut_ins=summarise_rate("cut_in_rate", "turns", rows).rate,
        responses=summarise_rate("response_rate", "turns", rows).rate,
        flow=conversation_flow(rows),
        delivery=measure_delivery(run),
    )


def frontier(results: Sequence[PointResult]) -> list[PointResult]:
    """The points that no other beats in dead air and false cut-offs both, by rising dead air."""
    placed = [(place, result) for result in results if (place := result.operating_point) is not None]
    found: list[PointResult] = []
    fewest = float("inf")
    for (_, share), result in sorted(placed, key=lambda each: each[0]):
        if share < fewest:
            fewest = share
            found.append(result)
    return found


def varied_keys(results: Sequence[PointResult]) -> list[str]:
    """The keys that the points set, in their order; not all of them need be set at each point."""
    return list(dict.fromkeys(key for result in results for key in result.point.settings))


def worst_exit_code(codes: Sequence[int]) -> int:
    """Of all points: the one after which the least is known; an unknown code goes before all."""
    order = {int(code): place for place, code in enumerate(SEVERITY)}
    return min(codes, key=lambda code: order.get(code, -1), default=int(ExitCode.PASS))


def last_part(key: str) -> str:
    """The last part of a dotted key, by which a setting is called where there is little room."""
    return key.rpartition(".")[2]


def value_text(value: Any) -> str:
    """A setting's value as a scenario writes it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {value_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(value_text(each) for each in value) + "]"
    return str(value)


def _complete(turns: pd.DataFrame) -> pd.DataFrame:
    whole = turns["outcome"].eq("answered") & ~turns["agent_cut_in"] & turns["false_cutoffs"].fillna(0).eq(0)
    return turns[whole]
