"""Exact quantiles of what callers lived through, with intervals that know that turns of a session are alike.

The quantile is the smallest observed value that at least a share q of all values do not exceed
(Hyndman and Fan 1996, definition 1): always a turn that can be looked up, and defined where some
values are infinite. A turn that was never answered is infinitely slow here; a quantile that falls among
such turns is told as "above" the longest wait that is known, never as a number.

The ends of an interval are observed values too: those order statistics between which the quantile lies
with 95% probability by the binomial distribution, at the number of independent turns that the sample
is worth. That number is n over the design effect of its sessions, less Student's allowance for the
effect being estimated from few sessions (Woodruff 1952; Korn and Graubard 1998). Resampling sessions
was tried and falls short in the tails, where the largest value of a resample is never above the largest
of the sample: 83% for a p95 of 40 sessions of 8 turns (`tests/benchmarks/bench_statistics.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtbench.analysis.binomial import Z, at_least, t_point

CONFIDENCE = 0.95
MIN_SESSIONS = 10
"""An interval from fewer sessions says more about the luck of the draw than about the service."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantile:
    """An estimated quantile. `value` is None where n does not suffice, infinite among unanswered turns."""

    q: float
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    """Ends of the 95% interval; None where there are too few sessions for it, or for that end of it."""

    @property
    def needed(self) -> int:
        """The smallest n with which this quantile is told."""
        return samples_needed(self.q)


def samples_needed(q: float) -> int:
    """ln(0.05) / ln(q), rounded up: with fewer values the largest one may well lie below the quantile.

    That is the n at which a sample has a value above the quantile with 95% probability.
    """
    return math.ceil(math.log(0.05) / math.log(q))


def quantiles(
    values: Floats, sessions: pd.Series, qs: Sequence[float], *, with_interval: bool = True
) -> list[Quantile]:
    """The quantiles `qs` of `values` (infinite where never answered), each with n and interval.

    values: shape (n,), without NaN; sessions: shape (n,), the session of each value.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    n = len(ordered)
    codes = pd.factorize(sessions.to_numpy())[0][order] if with_interval and n else None
    found = []
    for q in qs:
        if n < samples_needed(q):
            found.append(Quantile(q, n, None))
            continue
        value = float(ordered[rank_of(q, n)])
        low, high = (None, None) if codes is None else _interval(ordered, codes, q)
        found.append(Quantile(q, n, value, low, high))
    return found


def rank_of(q: float, n: int) -> int:
    """Index of the quantile among n values in ascending order."""
    return min(max(math.ceil(q * n - 1e-9) - 1, 0), n - 1)


def _interval(ordered: Floats, sessions: npt.NDArray[np.intp], q: float) -> tuple[float | None, float | None]:
    """Ends of the 95% interval; `sessions` numbers the session of each value."""
    n, count = len(ordered), int(sessions.max()) + 1
    if count < MIN_SESSIONS:
        return None, None
    independent = independent_turns(ordered <= ordered[rank_of(q, n)], sessions, q)
    tail = (1 - CONFIDENCE) / 2
    inwards = 2 * q * (1 - q)

    def end(share: float) -> int:
        """The first rank whose value lies beyond the quantile with all but `tail`, counted from the side of this share.

        A value is less than one independent turn. It counts in the middle of its step for a median, so that both ends
        are as near as they may be; towards the tails at the outer end of it: there the effective size is estimated from
        few values, and is too large as often as too small.
        """
        return 1 + _first(
            n, lambda k: at_least((k + 1 - inwards) * independent / n + inwards, independent, share) <= tail
        )

    above, below = end(q), n + 1 - end(1 - q)
    return (
        float(ordered[below - 1]) if below > 0 else None,
        float(ordered[above - 1]) if above <= n else None,
    )


def independent_turns(within: npt.NDArray[np.bool_], sessions: npt.NDArray[np.intp], q: float) -> float:
    """How many independent turns tell as much about the quantile as these do, of which `within` are not above it."""
    n, sizes = len(within), np.bincount(sessions)
    count = len(sizes)
    residuals = np.bincount(sessions, weights=within) - q * sizes
    variance = count / (count - 1) * float(np.sum(residuals**2))
    design_effect = max(1.0, variance / (n * q * (1 - q)))
    return n / design_effect * (Z / t_point(count - 1)) ** 2


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The smallest of 0 .. count - 1 for which a condition holds that goes on holding; `count` where none does."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
