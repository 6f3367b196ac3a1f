"""What nights do to a figure: how far apart runs of one side lie, beyond what their own sessions explain.

The variance of single runs' figures has two parts: the sessions that each happened to hold, known from
resampling each run's sessions, and the night, which is the rest (method of moments, as in any one-way
layout with random effects). A side of one run has a night too; its size is taken from the other side.

By luck runs lie closer together than their own sessions allow for as often as further apart. To take the
night for nothing then, and the sessions' variance in full, while in the other case the night is
added, only ever makes intervals wider: of nights that are alike 3% of comparisons would be alarms, not 5%.
So Student's interval from the scatter of the runs holds in that case too, between two ends: never less
than a share of the sessions' variance, as the scatter of a few runs can be next to nothing by chance, and
hardly more than all of it, as few runs say little about it.

False alarms at the 5% level, by the night's variance as a multiple of the sessions', for normal figures of
as many runs above the first of each side (`tests/benchmarks/bench_statistics.py` shows them for real ones):

    runs above the first      0    0.25    0.5      1      2      5
    2                      2.8%    3.7%   4.4%   5.5%   6.4%   6.4%
    3                      3.5%    4.3%   4.9%   5.5%   5.8%   5.5%
    4                      3.8%    4.5%   5.0%   5.4%   5.5%   5.2%
    8                      4.3%    4.8%   5.0%   5.1%   5.1%   5.0%

Exactly 5% in every cell has only Student's interval from the runs by itself (the scatter of the runs is
complete for the night's variance), which needs four times the difference where there are three nights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from rtbench.analysis.binomial import t_point
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.quantiles import Floats

LEAST_SHARE = 0.7
"""Of the sessions' variance, below which runs that are alike never take an interval. With 0.5 medians would be
nearer to 5%, but a p95 of one run of 40 sessions, whose variance comes out too small where the run had luck, would
raise 8% of alarms against seven nights that are alike."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Nights:
    """Variances of a figure, on the scale that it is compared on."""

    between: float
    """Of single runs' figures, all causes together; pooled over sides of several runs."""

    degrees: int
    """How many runs above the first of each side told it."""

    within: float
    """The sessions' part of it, in the mean of these runs."""

    sessions: tuple[float, float]
    """Of each side's figure, as far as its sessions are the cause."""

    runs: tuple[int, int]
    session_counts: tuple[int, int]

    @property
    def night(self) -> float:
        """The night's part of it."""
        return max(0.0, self.between - self.within)

    @property
    def reach(self) -> float:
        """Half the width of the 95% interval of the comparison.

        Where there is a night the comparison's variance follows from the two parts, and Student's allowance from
        how well each is known (Satterthwaite); for where there is none see the module.
        """
        sampling = sum(self.sessions)
        sure = [
            (part, max(count - 1, 1)) for part, count in zip(self.sessions, self.session_counts, strict=True)
        ]
        if self.night > 0:
            weight = 1 / self.runs[0] + 1 / self.runs[1]
            variance = self.night * weight + sampling
            return t_point(_degrees(variance, [*sure, (weight * self.between, self.degrees)])) * math.sqrt(
                variance
            )
        of_sessions = t_point(_degrees(sampling, sure))
        of_runs = t_point(self.degrees) * math.sqrt(self.between / self.within) if self.within > 0 else 0.0
        least = math.sqrt(LEAST_SHARE) * of_sessions
        most = max(of_sessions, t_point(2 * self.degrees**2))
        return min(max(of_runs, least), most) * math.sqrt(sampling)

    def tail(self, spread: float) -> float:
        """Which share of resampled comparisons to leave out at either end for 95%; `spread` is their deviation.

        Resampling runs and then sessions counts the sessions twice, which this takes back.
        """
        return _NORMAL.cdf(-self.reach / spread) if spread > 0 else 0.0

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
        within=float(np.mean(within_each)),
        sessions=(sessions[0], sessions[1]),
        runs=(base.run_count, run.run_count),
        session_counts=(base.session_count, run.session_count),
    )


def _degrees(variance: float, parts: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a variance that is made of parts with degrees of their own (Satterthwaite 1946)."""
    unsure = sum(part**2 / degrees for part, degrees in parts)
    return max(1.0, variance**2 / unsure) if unsure > 0 else 1.0
