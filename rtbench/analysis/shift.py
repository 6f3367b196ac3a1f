"""The shift function: how much later or earlier each decile of a wait is, with a band for all of them together.

Rousselet, Pernet and Wilcox 2017, "Beyond differences in means". The band is a simultaneous one: it
holds for all deciles at once in 95% of all cases (the largest deviation of a resample, in units of its
decile's own spread).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtbench.analysis.compare_metric import difference, resampled
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.quantiles import CONFIDENCE, MIN_SESSIONS, samples_needed

SHIFT_QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Shift:
    """One point of the shift function; times in the metric's unit."""

    q: float
    base: float
    difference: float
    low: float
    high: float


def shift_function(base: Figure, run: Figure) -> list[Shift]:
    """The differences run - base by quantile of the base; empty where there are too few sessions.

    Quantiles without enough samples, and those among unanswered turns, are left out.
    """
    n = min(base.n, run.n)
    if min(base.session_count, run.session_count) < MIN_SESSIONS:
        return []
    points, draws = [], []
    for q in SHIFT_QUANTILES:
        if n < samples_needed(max(q, 1 - q)):
            continue
        found = resampled(base, run, q, as_ratio=base.estimate(q) > 0 and run.estimate(q) > 0)
        drawn = difference(found.run, found.base)
        if np.isfinite(drawn).all():
            points.append((q, base.estimate(q), run.estimate(q) - base.estimate(q)))
            draws.append(drawn)
    if not points:
        return []
    middle = np.array([point[2] for point in points])[:, None]
    spread = np.maximum(np.std(draws, axis=1, keepdims=True), 1e-9)
    largest = np.max(np.abs(np.array(draws) - middle) / spread, axis=0)
    reach = np.quantile(largest, CONFIDENCE) * spread[:, 0]
    return [
        Shift(q, at, change, change - float(each), change + float(each))
        for (q, at, change), each in zip(points, reach, strict=True)
    ]
