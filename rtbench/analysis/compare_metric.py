"""The comparison of one figure: its ratio and its difference with their intervals, and what follows from them.

A quantile is judged by its ratio against a margin: 5% of the base's, and of times at least 25 ms. Where
the base is 0 or negative there is no ratio, and the difference is held against the margin. A rate is judged by
its difference against 2 percentage points; its interval is the wider of the resampled one and
Newcombe's (1998, method 10, at the effective sample sizes), which does not collapse where nothing went
wrong on either side.

    REGRESSED      the whole interval is worse than the margin
    OK             the whole interval is better than the margin
    INCONCLUSIVE   the margin is within it, or there is too little to say
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from rtbench.analysis.binomial import Z
from rtbench.analysis.bootstrap import Interval, expanded_tail, percentile_interval
from rtbench.analysis.compare_gate import Gate, Margins
from rtbench.analysis.compare_nights import nights
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.quantiles import MIN_SESSIONS, Floats, samples_needed
from rtbench.analysis.rates import MIN_SAMPLES, rate

POWER_FACTOR = ((Z + 0.8416) / Z) ** 2
"""So many times the sessions at which an interval would just clear the margin clear it in 80% of all cases."""

MOST_SESSIONS = 100_000
"""More are not told as an advice."""

UNSURE = "beyond the margin by itself, but not sure enough among as many figures"
"""Why a figure that Holm's adjustment spares is inconclusive."""


class Change(StrEnum):
    """What became of a figure."""

    REGRESSED = "REGRESSED"
    OK = "OK"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One figure on both sides."""

    gate: Gate
    change: Change
    base: float | None
    run: float | None
    base_n: int
    run_n: int
    base_sessions: int
    run_sessions: int
    ratio: Interval | None = None
    """Run over base; None for a rate, and where the base is not above 0."""

    difference: Interval | None = None
    """Run minus base, in the metric's unit."""

    margin: float | None = None
    """The difference beyond which it is a regression, in the metric's unit."""

    p_value: float | None = None
    """Of what was seen or worse, were the figure at the margin; after Holm's adjustment in a comparison."""

    sessions_needed: int | None = None
    """Of each side for a decision, as far as they are the reason that there is none."""

    reason: str = ""
    """Why there is no decision, in words."""

    @property
    def improved(self) -> bool:
        """Whether the whole interval of the difference is better than no change."""
        if self.difference is None:
            return False
        return self.difference.high < 0 if self.gate.worse > 0 else self.difference.low > 0


def compare_figures(base: Figure, run: Figure, margins: Margins) -> MetricComparison:
    """Judge one figure, by itself."""
    gate = run.gate
    counts = (base.n, run.n, base.session_count, run.session_count)
    if lack := _lack(base, run):
        reason, needed = lack
        return MetricComparison(
            gate, Change.INCONCLUSIVE, _told(base), _told(run), *counts, sessions_needed=needed, reason=reason
        )
    if gate.quantile is None:
        return _compare_rates(base, run, margins)
    return _compare_quantiles(base, run, margins)


def adjusted(comparison: MetricComparison, p_value: float) -> MetricComparison:
    """With the p-value that Holm's adjustment gives; a regression that does not survive it is inconclusive."""
    if comparison.change is Change.REGRESSED and p_value > 0.025:
        return replace(comparison, change=Change.INCONCLUSIVE, p_value=p_value, reason=UNSURE)
    return replace(comparison, p_value=p_value)


def _lack(base: Figure, run: Figure) -> tuple[str, int | None] | None:
    """What is missing for a comparison, and how many sessions it would take."""
    q = run.gate.quantile
    needed = MIN_SAMPLES if q is None else samples_needed(q)
    for name, figure in (("base", base), ("run", run)):
        if not figure.n:
            return f"the {name} has none", None
        if figure.n < needed:
            sessions = math.ceil(needed / figure.n * figure.session_count)
            return f"the {name} has {figure.n} samples, {run.gate.statistic} needs {needed}", sessions
        if figure.session_count < MIN_SESSIONS:
            return (
                f"the {name} has {figure.session_count} sessions, an interval needs {MIN_SESSIONS}",
                MIN_SESSIONS,
            )
    return None


def _told(figure: Figure) -> float | None:
    enough = MIN_SAMPLES if figure.gate.quantile is None else samples_needed(figure.gate.quantile)
    return figure.estimate() if figure.n >= enough else None


@dataclass(frozen=True, slots=True)
class Resampled:
    """A figure in each resample of both sides, and the share of them to leave out at either end for 95%."""

    base: Floats
    run: Floats
    tail: float


def resampled(base: Figure, run: Figure, q: float | None = None, *, as_ratio: bool) -> Resampled:
    """Resample both sides; a side of one run takes its nights from the other, where that has several."""
    before, after = base.draws(q), run.draws(q)
    found = nights(base, run, q, as_ratio=as_ratio)
    if found is None:
        return Resampled(before, after, expanded_tail((base.units, run.units)))
    drawn = found.draw(len(before), run.generator)
    if base.run_count == 1:
        before = before * np.exp(drawn) if as_ratio else before + drawn
    if run.run_count == 1:
        after = after * np.exp(drawn) if as_ratio else after + drawn
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.std(np.log(after) - np.log(before) if as_ratio else after - before)
    units = (base.run_count, run.run_count)
    tail = found.tail(float(spread)) if np.isfinite(spread) else expanded_tail((max(units), max(units)))
    return Resampled(before, after, tail)


def difference(after: Floats, before: Floats) -> Floats:
    """Of two figures that may both be infinite, which are alike then."""
    with np.errstate(invalid="ignore"):
        return np.where(after == before, 0.0, after - before)


def _compare_quantiles(base: Figure, run: Figure, margins: Margins) -> MetricComparison:
    x, y = base.estimate(), run.estimate()
    as_ratio = x > 0 and y > 0
    drawn = resampled(base, run, as_ratio=as_ratio)
    least = margins.absolute if run.gate.is_time else 0.0
    margin = max(margins.relative * abs(x), least) if math.isfinite(x) else math.inf
    change = percentile_interval(0.0 if y == x else y - x, difference(drawn.run, drawn.base), drawn.tail)
    ratio = None
    if as_ratio and (drawn.base > 0).all():
        with np.errstate(invalid="ignore"):
            ratios = np.where(drawn.run == drawn.base, 1.0, drawn.run / drawn.base)
        ratio = percentile_interval(1.0 if y == x else y / x, ratios, drawn.tail)
    if ratio is not None and math.isfinite(x):
        decided, edge = ratio, 1 + margin / x
    else:
        decided, edge = change, margin
    return _decided(base, run, decided, edge, ratio, change, margin)


def _compare_rates(base: Figure, run: Figure, margins: Margins) -> MetricComparison:
    x, y = base.estimate(), run.estimate()
    drawn = resampled(base, run, as_ratio=False)
    there = ~(np.isnan(drawn.base) | np.isnan(drawn.run))
    found = percentile_interval(y - x, (drawn.run - drawn.base)[there], drawn.tail)
    a, b = (rate(figure.values, figure.session_series) for figure in (base, run))
    assert a.low is not None and a.high is not None and b.low is not None and b.high is not None
    low = y - x - math.hypot(y - b.low, a.high - x)
    high = y - x + math.hypot(b.high - y, x - a.low)
    change = Interval(y - x, max(-1.0, min(found.low, low)), min(1.0, max(found.high, high)))
    worse = change if run.gate.worse > 0 else Interval(-change.estimate, -change.high, -change.low)
    return _decided(base, run, worse, margins.rate, None, change, margins.rate)


def _decided(
    base: Figure,
    run: Figure,
    decided: Interval,
    edge: float,
    ratio: Interval | None,
    change: Interval,
    margin: float,
) -> MetricComparison:
    """`decided` is on the scale of which more is worse, `edge` the margin on it."""
    if decided.low > edge:
        verdict = Change.REGRESSED
    elif decided.high <= edge:
        verdict = Change.OK
    else:
        verdict = Change.INCONCLUSIVE
    inconclusive = verdict is Change.INCONCLUSIVE
    return MetricComparison(
        gate=run.gate,
        change=verdict,
        base=base.estimate(),
        run=run.estimate(),
        base_n=base.n,
        run_n=run.n,
        base_sessions=base.session_count,
        run_sessions=run.session_count,
        ratio=ratio,
        difference=change,
        margin=margin,
        p_value=_p_value(decided, edge),
        sessions_needed=_sessions_needed(base, run, decided, edge) if inconclusive else None,
        reason="the margin lies within the interval" if inconclusive else "",
    )


def _p_value(decided: Interval, edge: float) -> float:
    """One-sided; 0.025 where the interval just touches the margin, as its lower end was found."""
    above = decided.estimate - edge
    reach = decided.estimate - decided.low
    if not math.isfinite(above) or not math.isfinite(reach):
        return 0.0 if decided.low > edge else 1.0
    if reach <= 0:
        return 0.0 if above > 0 else 1.0
    return 1 - NormalDist().cdf(Z * above / reach)


def _sessions_needed(base: Figure, run: Figure, decided: Interval, edge: float) -> int | None:
    """Of each side, for the interval to clear the margin in four of five cases, were the estimate true.

    An interval shrinks with the root of their number; that of a rate without a single fault, or without
    anything else, with the number itself.
    """
    distance = abs(decided.estimate - edge)
    below = decided.estimate < edge
    reach = decided.high - decided.estimate if below else decided.estimate - decided.low
    if not math.isfinite(reach) or not math.isfinite(distance) or distance == 0:
        return None
    now = 2 / (1 / base.session_count + 1 / run.session_count)
    one_sided = run.gate.quantile is None and {base.estimate(), run.estimate()} <= {0.0, 1.0}
    shorter = math.sqrt(POWER_FACTOR) * reach / distance
    needed = max(math.ceil(now * (shorter if one_sided else shorter**2)), math.floor(now) + 1)
    return needed if needed <= MOST_SESSIONS else None
