"""The table of metrics: n, mean, extremes and percentiles of each, and every rate, by group of turns.

Turns with a tool call are never mixed with those without: they do different work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from rtbench.analysis.quantiles import Quantile, SessionResamples, quantiles
from rtbench.analysis.rates import MIN_SAMPLES, Rate, rate
from rtbench.analysis.samples import SESSION_RATES, SESSION_UNITS, TURN_RATES, TURN_UNITS, sample

Group = Literal["without_tool", "with_tool", "sessions"]
PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric over one group. Values are infinite where a turn was never answered, None where n is too small."""

    name: str
    unit: str
    group: Group
    n: int
    unanswered: int
    known_up_to: float
    """What a quantile among unanswered turns is known to lie above."""

    mean: float | None
    smallest: float | None
    largest: float | None
    p50: Quantile
    p95: Quantile
    p99: Quantile


@dataclass(frozen=True, slots=True)
class RateSummary:
    """One rate over one group."""

    name: str
    group: Group
    rate: Rate


def summarise_metrics(
    turns: pd.DataFrame, sessions: pd.DataFrame, resamples: SessionResamples
) -> list[MetricSummary]:
    """Every metric that is no rate, over every group that has turns; the headline comes first."""
    found = []
    for group, rows in _groups(turns):
        for name, unit in TURN_UNITS.items():
            if unit != "rate":
                found.append(_summarise(name, group, rows, sessions, resamples))
    for name, unit in SESSION_UNITS.items():
        if unit != "rate":
            found.append(_summarise(name, "sessions", turns, sessions, resamples))
    return found


def summarise_rates(turns: pd.DataFrame, sessions: pd.DataFrame) -> list[RateSummary]:
    """Every rate, over every group that has turns; `uptime` as the mean over sessions, without an interval."""
    found = []
    for group, rows in _groups(turns):
        for name in TURN_RATES:
            measured = sample(name, rows, sessions)
            found.append(RateSummary(name, group, rate(measured.values, measured.sessions)))
    for name in SESSION_RATES:
        measured = sample(name, turns, sessions)
        found.append(RateSummary(name, "sessions", rate(measured.values, measured.sessions)))
    uptime = sample("uptime", turns, sessions)
    mean = float(uptime.values.mean()) if uptime.n >= MIN_SAMPLES else None
    found.append(RateSummary("uptime", "sessions", Rate(uptime.n, mean)))
    return found


def _groups(turns: pd.DataFrame) -> Iterator[tuple[Group, pd.DataFrame]]:
    with_tool = turns["tool"].astype(bool)
    if not with_tool.all() or turns.empty:
        yield "without_tool", turns[~with_tool]
    if with_tool.any():
        yield "with_tool", turns[with_tool]


def _summarise(
    name: str, group: Group, turns: pd.DataFrame, sessions: pd.DataFrame, resamples: SessionResamples
) -> MetricSummary:
    measured = sample(name, turns, sessions)
    values = measured.values
    p50, p95, p99 = quantiles(values, measured.sessions, PERCENTILES, resamples)
    some = measured.n > 0
    return MetricSummary(
        name=name,
        unit=measured.unit,
        group=group,
        n=measured.n,
        unanswered=measured.unanswered,
        known_up_to=measured.known_up_to,
        mean=float(values.mean()) if some else None,
        smallest=float(values.min()) if some else None,
        largest=float(values.max()) if some else None,
        p50=p50,
        p95=p95,
        p99=p99,
    )
