"""Exact quantiles of what callers lived through, with intervals that know that turns of a session are alike.

The quantile is the smallest observed value that at least a share q of all values do not exceed
(Hyndman and Fan 1996, definition 1): always a turn that can be looked up, and defined where some
values are infinite. A turn that was never answered is infinitely slow here; a quantile that falls among
such turns is told as "above" the longest wait that is known, never as a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

CONFIDENCE = 0.95
RESAMPLES = 1000
MIN_SESSIONS = 10
"""An interval from fewer sessions says more about the luck of the draw than about the service."""

_BLOCK_ENTRIES = 4_000_000
"""Entries of a resampled block in memory at a time."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantile:
    """An estimated quantile. `value` is None where n does not suffice, infinite among unanswered turns."""

    q: float
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    """Ends of the 95% interval; None where there are too few sessions for one."""

    @property
    def needed(self) -> int:
        """The smallest n with which this quantile is told."""
        return samples_needed(self.q)


def samples_needed(q: float) -> int:
    """ln(0.05) / ln(q), rounded up: with fewer values the largest one may well lie below the quantile.

    That is the n at which a sample has a value above the quantile with 95% probability.
    """
    return math.ceil(math.log(0.05) / math.log(q))


class SessionResamples:
    """Bootstrap resamples of whole sessions, drawn once and used for every metric of a run.

    Resampling turns would take the turns of a session for independent and give intervals that are
    too narrow (Field and Welsh 2007, "Bootstrapping clustered data").
    """

    def __init__(self, sessions: Sequence[str] | pd.Series, resamples: int = RESAMPLES, seed: int = 0):
        self.names = pd.Index(pd.unique(pd.Series(sessions, dtype="str")))
        count = len(self.names)
        generator = np.random.default_rng(seed)
        # Multiplicities fit a byte: 255 draws of one session in a resample do not happen.
        self.multiplicity = np.zeros((resamples, count), dtype=np.uint8)
        for row in self.multiplicity if count else ():
            row[:] = np.bincount(generator.integers(0, count, count), minlength=count)

    def __len__(self) -> int:
        return len(self.names)

    def index_of(self, sessions: pd.Series) -> npt.NDArray[np.intp]:
        """Column of each value's session in `multiplicity`."""
        return self.names.get_indexer(pd.Index(sessions.astype("str")))


def quantiles(
    values: Floats, sessions: pd.Series, qs: Sequence[float], resamples: SessionResamples | None = None
) -> list[Quantile]:
    """The quantiles `qs` of `values` (infinite where never answered), each with n, and intervals by `resamples`.

    values: shape (n,), without NaN; sessions: shape (n,), the session of each value.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    n = len(ordered)
    wide_enough = resamples is not None and sessions.nunique() >= MIN_SESSIONS
    clusters = resamples.index_of(sessions)[order] if resamples is not None and wide_enough else None
    found = []
    for q in qs:
        if n < samples_needed(q):
            found.append(Quantile(q, n, None))
            continue
        value = float(ordered[rank_of(q, n)])
        if resamples is None or clusters is None:
            found.append(Quantile(q, n, value))
            continue
        drawn = np.sort(_resampled_quantile(ordered, clusters, resamples.multiplicity, q))
        tail = (1 - CONFIDENCE) / 2
        low, high = (float(drawn[rank_of(p, len(drawn))]) for p in (tail, 1 - tail))
        found.append(Quantile(q, n, value, low, high))
    return found


def rank_of(q: float, n: int) -> int:
    """Index of the quantile among n values in ascending order."""
    return min(max(math.ceil(q * n - 1e-9) - 1, 0), n - 1)


def _resampled_quantile(
    ordered: Floats, clusters: npt.NDArray[np.intp], multiplicity: npt.NDArray[np.uint8], q: float
) -> Floats:
    """The quantile in each resample, shape (resamples,).

    A resample gives each value its session's multiplicity as weight, so the quantile is where the
    running weight reaches q of the total. It lies near the quantile of the whole sample: only a window
    around that one is looked at value by value, what lies below it is summed by session. The few
    resamples whose quantile is outside the window are done in full.
    """
    drawn = _within(_window(clusters, multiplicity.shape[1], q), ordered, clusters, multiplicity, q)
    outside = np.isnan(drawn)
    if outside.any():
        drawn[outside] = _within(range(len(ordered)), ordered, clusters, multiplicity[outside], q)
    return drawn


def _window(clusters: npt.NDArray[np.intp], session_count: int, q: float) -> range:
    """Ranks up to six standard deviations of the resampled rank on either side of the sample's own."""
    n = len(clusters)
    rank = rank_of(q, n)
    sizes = np.bincount(clusters, minlength=session_count)
    below = np.bincount(clusters[: rank + 1], minlength=session_count)
    reach = math.ceil(6 * math.sqrt(float(np.sum((below - q * sizes) ** 2)))) + 10
    return range(max(rank - reach, 0), min(rank + reach, n))


def _within(
    window: range,
    ordered: Floats,
    clusters: npt.NDArray[np.intp],
    multiplicity: npt.NDArray[np.uint8],
    q: float,
) -> Floats:
    """The quantile of each resample where its rank in the whole sample lies in `window`, else NaN."""
    count, session_count = multiplicity.shape
    sums = np.stack(
        [np.bincount(part, minlength=session_count) for part in (clusters, clusters[: window.start])], axis=1
    ).astype(np.float32)
    inner = clusters[window.start : window.stop]
    drawn = np.full(count, np.nan)
    block = max(1, _BLOCK_ENTRIES // max(session_count, len(window), 1))
    for first in range(0, count, block):
        weights = multiplicity[first : first + block]
        # Sums stay below 2**24 and are whole numbers: exact in single precision.
        total, below = (weights.astype(np.float32) @ sums).astype(np.float64).T
        wanted = np.maximum(np.ceil(q * total - 1e-9), 1) - below
        running = np.cumsum(weights[:, inner], axis=1, dtype=np.int32)
        hit = running >= wanted[:, None]
        inside = hit.any(axis=1) & (wanted > 0)
        drawn[first : first + block][inside] = ordered[window.start + hit.argmax(axis=1)[inside]]
    return drawn
