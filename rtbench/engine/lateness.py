"""How late frames left: every frame's lateness, gathered cheaply and folded into a histogram.

The hot path appends one number; numpy and HdrHistogram do the rest once an interval.
"""

from __future__ import annotations

from array import array

import numpy as np
from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 60_000_000
SIGNIFICANT_DIGITS = 3


def empty_histogram() -> HdrHistogram:
    """Microseconds from 1 us to 60 s, to three digits."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


class LatenessLog:
    """Lateness of frames since the last `take`, in nanoseconds."""

    def __init__(self) -> None:
        self._pending = array("q")
        self.frames = 0

    def record(self, lateness_ns: int) -> None:
        self._pending.append(lateness_ns)

    def take(self) -> tuple[int, float, str]:
        """Frames, greatest lateness in ms, and the encoded histogram since the last call."""
        values, self._pending = self._pending, array("q")
        histogram = empty_histogram()
        if not values:
            return 0, 0.0, histogram.encode().decode("ascii")
        lateness_ns = np.frombuffer(values, dtype=np.int64)
        lateness_us = np.clip(lateness_ns // 1000, LOWEST_US, HIGHEST_US)
        distinct, counts = np.unique(lateness_us, return_counts=True)
        for value, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            histogram.record_value(value, count)
        self.frames += len(values)
        return len(values), int(lateness_ns.max()) / 1e6, histogram.encode().decode("ascii")
