"""Rates with intervals: how often something came out right, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtbench.analysis.binomial import Z

MIN_SAMPLES = 10
"""A rate of fewer is not told."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of n. `value` is None where n does not suffice; `low` and `high` are its 95% interval."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


def rate(outcomes: npt.NDArray[np.float64], sessions: pd.Series) -> Rate:
    """The share of ones among `outcomes` (0 or 1, shape (n,)), by session.

    Wilson's score interval at the effective sample size n / design effect, as for clustered samples in
    general (Dean and Pagano 2015). It needs no resampling and does not collapse at 0 and 100%.
    """
    n = len(outcomes)
    if n < MIN_SAMPLES:
        return Rate(n, None)
    share = float(outcomes.mean())
    low, high = wilson(share, n / design_effect(outcomes, sessions))
    return Rate(n, share, low, high)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95% score interval (1927) of a share of n."""
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def design_effect(outcomes: npt.NDArray[np.float64], sessions: pd.Series) -> float:
    """Variance of the share by sessions over that of as many independent outcomes; at least 1.

    1 where all outcomes are the same, as correlation cannot be seen then.
    """
    n = len(outcomes)
    share = float(outcomes.mean())
    by_session = pd.DataFrame({"session": sessions.to_numpy(), "residual": outcomes - share})
    totals = by_session.groupby("session")["residual"].sum().to_numpy()
    count = len(totals)
    independent = share * (1 - share) * n
    if count < 2 or independent == 0:
        return 1.0
    return max(1.0, float(count / (count - 1) * np.sum(totals**2) / independent))
