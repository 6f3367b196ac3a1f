"""Values counted in buckets with fixed upper bounds, as monitoring systems take them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Distribution:
    """How many values fell into each bucket; an infinite value is in the last one only."""

    __slots__ = ("bounds", "counts", "greatest", "least", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` are the upper ends of the buckets, ascending, each in its own bucket; one without an end comes last."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0
        """Sum of the values that are neither infinite nor below 0, so that it never falls."""

        self.least: float | None = None
        self.greatest: float | None = None
        """Of the finite values; None before the first."""

    def add(self, value: float, count: int = 1) -> None:
        """So many values of this size."""
        self.counts[bisect_left(self.bounds, value)] += count
        if math.isinf(value):
            return
        self.total += max(0.0, value) * count
        self.least = value if self.least is None else min(self.least, value)
        self.greatest = value if self.greatest is None else max(self.greatest, value)

    @property
    def count(self) -> int:
        """Of all values."""
        return sum(self.counts)

    def cumulative(self) -> list[int]:
        """For each bound, and for the end, the values that do not exceed it."""
        return list(accumulate(self.counts))
