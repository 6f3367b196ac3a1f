"""Bootstrap over runs, then sessions: how much a figure of several runs would change if they were held again.

Turns of a session are alike, and so are sessions of a night. A resample draws as many runs as there
are, with replacement, and from each of them as many sessions as it has; their turns come with them.
Intervals are percentiles of the resampled figures, set further apart for the number of units resampled
(Hesterberg 2015, "What teachers should know about the bootstrap", expanded percentiles): the spread of
k units falls short by sqrt((k - 1) / k), and is itself estimated from k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from rtbench.analysis.binomial import t_point
from rtbench.analysis.quantiles import Floats, rank_of

RESAMPLES = 2000

_BLOCK_ENTRIES = 4_000_000
"""Entries of a resampled block in memory at a time."""

_NORMAL = NormalDist()

Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the ends of its 95% interval, any of which may be infinite."""

    estimate: float
    low: float
    high: float


def draw_sessions(sizes: Sequence[int], resamples: int, generator: np.random.Generator) -> Counts:
    """How often each session of each run is in each resample: shape (resamples, sum of sizes).

    sizes: how many sessions each run has, none of them 0.
    """
    runs = len(sizes)
    times = generator.multinomial(runs, np.full(runs, 1 / runs), resamples)
    drawn = [
        generator.multinomial(times[:, run] * size, np.full(size, 1 / size)).astype(np.uint16)
        for run, size in enumerate(sizes)
    ]
    return np.concatenate(drawn, axis=1)


def expanded_tail(units: tuple[int, int]) -> float:
    """Which share of resamples to leave out at either end for 95%, where two sides of so many units were resampled."""
    degrees = sum(units) - 2
    short = sum(count / (count - 1) if count > 1 else 2.0 for count in units) / 2
    return _NORMAL.cdf(-math.sqrt(short) * t_point(max(degrees, 1)))


def percentile_interval(estimate: float, draws: Floats, tail: float) -> Interval:
    """The interval from the resampled figures, less that share of them at either end."""
    ordered = np.sort(draws)
    low, high = ordered[rank_of(tail, len(ordered))], ordered[rank_of(1 - tail, len(ordered))]
    return Interval(estimate, float(low), float(high))


def resampled_means(values: Floats, sessions: npt.NDArray[np.intp], drawn: Counts) -> Floats:
    """The mean in each resample; `sessions` are columns of `drawn`. NaN where a resample has no value."""
    count = drawn.shape[1]
    sums, sizes = np.bincount(sessions, values, minlength=count), np.bincount(sessions, minlength=count)
    weights = drawn.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights @ sums) / (weights @ sizes)


def resampled_quantiles(values: Floats, sessions: npt.NDArray[np.intp], drawn: Counts, q: float) -> Floats:
    """The quantile in each resample; `sessions` are columns of `drawn`. NaN where a resample has no value.

    A resample gives each value its session's multiplicity as weight, so the quantile is where the
    running weight reaches q of the total. It lies near the quantile of the whole sample: only a window
    around that one is looked at value by value, what lies below it is summed by session. The few
    resamples whose quantile is outside the window are done in full.
    """
    order = np.argsort(values, kind="stable")
    ordered, clusters = values[order], sessions[order]
    found = _within(_window(clusters, drawn.shape[1], q), ordered, clusters, drawn, q)
    outside = np.isnan(found)
    if outside.any():
        found[outside] = _within(range(len(ordered)), ordered, clusters, drawn[outside], q)
    return found


def _window(clusters: npt.NDArray[np.intp], session_count: int, q: float) -> range:
    """Ranks up to six standard deviations of the resampled rank on either side of the sample's own."""
    n = len(clusters)
    rank = rank_of(q, n)
    sizes = np.bincount(clusters, minlength=session_count)
    below = np.bincount(clusters[: rank + 1], minlength=session_count)
    reach = math.ceil(6 * math.sqrt(float(np.sum((below - q * sizes) ** 2)))) + 10
    return range(max(rank - reach, 0), min(rank + reach, n))


def _within(
    window: range, ordered: Floats, clusters: npt.NDArray[np.intp], drawn: Counts, q: float
) -> Floats:
    """The quantile of each resample where its rank in the whole sample lies in `window`, else NaN."""
    count, session_count = drawn.shape
    sums = np.stack(
        [np.bincount(part, minlength=session_count) for part in (clusters, clusters[: window.start])], axis=1
    ).astype(np.float64)
    inner = clusters[window.start : window.stop]
    found = np.full(count, np.nan)
    block = max(1, _BLOCK_ENTRIES // max(session_count, len(window), 1))
    for first in range(0, count, block):
        weights = drawn[first : first + block]
        total, below = (weights.astype(np.float64) @ sums).T
        wanted = np.maximum(np.ceil(q * total - 1e-9), 1) - below
        running = np.cumsum(weights[:, inner], axis=1, dtype=np.int32)
        hit = running >= wanted[:, None]
        inside = hit.any(axis=1) & (wanted > 0) & (total > 0)
        found[first : first + block][inside] = ordered[window.start + hit.argmax(axis=1)[inside]]
    return found
