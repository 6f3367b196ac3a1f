"""What nights do to a figure: how far apart runs of one side lie, beyond what their own sessions explain.

The variance of single runs' figures has two parts: the sessions that each happened to hold, known from
resampling each run's sessions, and the night, which is the rest (method of moments, as in any one-way
layout with random effects). A side of one run has a night too; its size is taken from the other side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from rtbench.analysis.binomial import t_point
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.quantiles import Floats

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Nights:
    """Variances of a figure, on the scale that it is compared on."""

    between: float
    """Of single runs' figures, all causes together; pooled over sides of several runs."""

    degrees: int
    """How many runs above the first of each side told it."""

    night: float
    """The night's part of it."""

    sessions: tuple[float, float]
    """Of each side's figure, as far as its sessions are the cause."""

    runs: tuple[int, int]
    session_counts: tuple[int, int]

    def tail(self, spread: float) -> float:
        """Which share of resampled comparisons to leave out at either end for 95%; `spread` is their deviation.

        The comparison's own deviation follows from the two parts, and Student's allowance from how well
        each is known (Satterthwaite). Resampling runs and then sessions counts the sessions twice, which
        this takes back.
        """
        weight = 1 / self.runs[0] + 1 / self.runs[1]
        variance = self.night * weight + sum(self.sessions)
        unsure = sum(
            part**2 / max(count - 1, 1)
            for part, count in zip(self.sessions, self.session_counts, strict=True)
        )
        if self.night > 0:
            unsure += (weight * self.between) ** 2 / self.degrees
        degrees = max(1.0, variance**2 / unsure) if unsure > 0 else 1.0
        return _NORMAL.cdf(-t_point(degrees) * math.sqrt(variance) / spread) if spread > 0 else 0.0

    def draw(self, count: int, generator: np.random.Generator) -> Floats:
        """So many nights of a side that has only one."""
        return generator.normal(0.0, math.sqrt(self.night), count)


def nights(base: Figure, run: Figure, q: float | None, *, as_ratio: bool) -> Nights | None:
    """The nights of two sides; None where both have one run, or where single runs' figures are not to be told."""
    if max(base.run_count, run.run_count) < 2:
        return None
    squares, degrees, within_each = 0.0, 0, []
    sessions = []
    for side in (base, run):
        values, variances = side.single_runs(q, as_ratio=as_ratio)
        if not np.isfinite(values).all() or not np.isfinite(variances).all():
            return None
        sessions.append(float(variances.mean()) / side.run_count)
        if side.run_count > 1:
            squares += float(np.sum((values - values.mean()) ** 2))
            degrees += side.run_count - 1
            within_each += list(variances)
    between = squares / degrees
    return Nights(
        between=between,
        degrees=degrees,
        night=max(0.0, between - float(np.mean(within_each))),
        sessions=(sessions[0], sessions[1]),
        runs=(base.run_count, run.run_count),
        session_counts=(base.session_count, run.session_count),
    )
