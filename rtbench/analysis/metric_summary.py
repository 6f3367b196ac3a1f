"""The table of metrics: n, mean, extremes and percentiles of each, and every rate, by group of turns.

Turns with a tool call are never mixed with those without: they do different work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rtbench.analysis.outcomes import SESSION_RATES, TURN_RATES
from rtbench.analysis.quantiles import Quantile, quantiles
from rtbench.analysis.rates import MIN_SAMPLES, Rate, rate
from rtbench.analysis.samples import SESSION_UNITS, STIMULUS_UNITS, TURN_UNITS, Rows, Sample, sample

Group = Literal["without_tool", "with_tool", "sessions", "stimuli", "turns", "incidents"]
"""What the values are of: turns without or with a tool call, sessions, stimuli, or all turns."""

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


def summarise_metrics(rows: Rows) -> list[MetricSummary]:
    """Every metric of turns and sessions that is no rate, over every group; the headline comes first."""
    found = []
    for group, part in _groups(rows):
        found += [summarise_metric(name, group, part) for name in _no_rates(TURN_UNITS)]
    found += [summarise_metric(name, "sessions", rows) for name in _no_rates(SESSION_UNITS)]
    return found


def summarise_stimulus_metrics(rows: Rows) -> list[MetricSummary]:
    """Every metric of stimuli that is no rate, and the overlap in all turns."""
    found = [summarise_metric(name, "stimuli", rows) for name in _no_rates(STIMULUS_UNITS)]
    return [*found, summarise_metric("overlap_ms", "turns", rows)]


def summarise_rates(rows: Rows) -> list[RateSummary]:
    """Every rate of turns and sessions, over every group; `uptime` as the mean over sessions, without an interval."""
    found = []
    for group, part in _groups(rows):
        found += [summarise_rate(name, group, part) for name in TURN_RATES]
    found += [summarise_rate(name, "sessions", rows) for name in SESSION_RATES]
    uptime = sample("uptime", rows)
    mean = float(uptime.values.mean()) if uptime.n >= MIN_SAMPLES else None
    found.append(RateSummary("uptime", "sessions", Rate(uptime.n, mean)))
    return found


def summarise_rate(name: str, group: Group, rows: Rows) -> RateSummary:
    """One rate over these rows, which are those of the group."""
    measured = sample(name, rows)
    return RateSummary(name, group, rate(measured.values, measured.sessions))


def summarise_metric(name: str, group: Group, rows: Rows) -> MetricSummary:
    """One metric over these rows, which are those of the group."""
    return summarise_sample(sample(name, rows), group)


def summarise_sample(measured: Sample, group: Group) -> MetricSummary:
    """One metric whose values are these."""
    values = measured.values
    p50, p95, p99 = quantiles(values, measured.sessions, PERCENTILES)
    some = measured.n > 0
    return MetricSummary(
        name=measured.name,
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


def _groups(rows: Rows) -> Iterator[tuple[Group, Rows]]:
    turns = rows.turns
    with_tool = turns["tool"].astype(bool)
    if not with_tool.all() or turns.empty:
        yield "without_tool", replace(rows, turns=turns[~with_tool])
    if with_tool.any():
        yield "with_tool", replace(rows, turns=turns[with_tool])


def _no_rates(units: Mapping[str, str]) -> list[str]:
    return [name for name, unit in units.items() if unit != "rate"]
