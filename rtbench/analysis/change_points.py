"""Change points of a series of nights: where its level or its spread became another.

E-divisive means (Matteson and James 2014, "A nonparametric approach for multiple change point analysis
of multivariate data"): the split at which the two sides differ most by their energy distance, kept
where a permutation test finds that hardly any order of the same values has as good a split; then the
same within each side. Nothing is assumed about the shape of the values. Unlike in the paper, the right
side always reaches to the end of its segment, which is the same for splits that are found one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEVEL = 0.01
"""A history is looked at every morning: at 5% every twentieth that never changed would show a change."""

PERMUTATIONS = 499
FEWEST = 4
"""Nights on either side of a change; fewer cannot be told from two odd nights."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The first night of a new level."""

    index: int
    before: float
    """Mean of the nights since the change before it."""

    after: float
    """Mean of the nights until the next change."""

    p_value: float

    @property
    def change(self) -> float | None:
        """As a share of what it was; None where that was 0."""
        return (self.after - self.before) / abs(self.before) if self.before else None


def find_change_points(
    values: Sequence[float], *, level: float = LEVEL, permutations: int = PERMUTATIONS, seed: int = 0
) -> list[ChangePoint]:
    """The change points of finite values, in order of time; the same for the same seed."""
    series = np.asarray(values, dtype=np.float64)
    generator = np.random.default_rng(seed)
    found: dict[int, float] = {}
    pending = [(0, len(series))]
    while pending:
        start, end = pending.pop()
        split = _split(series[start:end], level, permutations, generator)
        if split is not None:
            offset, p_value = split
            found[start + offset] = p_value
            pending += [(start, start + offset), (start + offset, end)]
    edges = [0, *sorted(found), len(series)]
    return [
        ChangePoint(
            edges[place],
            float(series[edges[place - 1] : edges[place]].mean()),
            float(series[edges[place] : edges[place + 1]].mean()),
            found[edges[place]],
        )
        for place in range(1, len(edges) - 1)
    ]


def _split(
    segment: npt.NDArray[np.float64], level: float, permutations: int, generator: np.random.Generator
) -> tuple[int, float] | None:
    """The best split of a segment and its p-value; None where it is not significant."""
    if len(segment) < 2 * FEWEST:
        return None
    distances = np.abs(segment[:, None] - segment[None, :])
    gains = split_gains(distances)
    best = float(gains.max())
    as_good = 1
    for _ in range(permutations):
        order = generator.permutation(len(segment))
        as_good += float(split_gains(distances[np.ix_(order, order)]).max()) >= best * (1 - 1e-12)
        if as_good / (permutations + 1) > level:
            return None
    return FEWEST + int(gains.argmax()), as_good / (permutations + 1)


def split_gains(distances: Matrix) -> npt.NDArray[np.float64]:
    """mn/(m+n) times the energy distance of the two sides, for each split that leaves FEWEST on either side."""
    count = len(distances)
    to_earlier, to_later = np.tril(distances).sum(axis=1), np.triu(distances).sum(axis=1)
    m = np.arange(FEWEST, count - FEWEST + 1)
    n = count - m
    left = np.cumsum(to_earlier)[m - 1]
    right = to_later[::-1].cumsum()[::-1][m]
    across = to_earlier.sum() - left - right
    energy = 2 * across / (m * n) - 2 * left / (m * (m - 1)) - 2 * right / (n * (n - 1))
    gains: npt.NDArray[np.float64] = m * n / (m + n) * energy
    return gains
