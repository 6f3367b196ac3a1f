"""How late frames left: of all callers folded into a histogram, and of each frame by frame.

The hot path appends one number; numpy and HdrHistogram do the rest once an interval.
"""

from __future__ import annotations

from array import array

import numpy as np
from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 60_000_000
SIGNIFICANT_DIGITS = 3

GRAIN_US = 10
"""Lateness above 1 ms is counted in steps of this, so that a second of many callers has few distinct values."""

HELD_FRAMES = 16_384
"""Five minutes and more of one caller's 20 ms frames: longer than any turn."""


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
        lateness_us = np.where(lateness_us < 1000, lateness_us, lateness_us // GRAIN_US * GRAIN_US)
        distinct, counts = np.unique(lateness_us, return_counts=True)
        for value, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            histogram.record_value(value, count)
        self.frames += len(values)
        return len(values), int(lateness_ns.max()) / 1e6, histogram.encode().decode("ascii")


class FrameLateness:
    """Lateness of one microphone's frames by their number: all of the last minutes, and the worst of all time."""

    def __init__(self) -> None:
        self.max_ns = 0
        self._late_ns = array("q")
        self._first = 0

    def record(self, lateness_ns: int) -> None:
        """The next frame has left."""
        self.max_ns = max(self.max_ns, lateness_ns)
        self._late_ns.append(lateness_ns)
        if len(self._late_ns) > 2 * HELD_FRAMES:
            del self._late_ns[:HELD_FRAMES]
            self._first += HELD_FRAMES

    def max_between_ns(self, first_frame: int, last_frame: int) -> int:
        """The worst of the frames from one number to another, both included, as far as they are held; 0 for none."""
        begin = max(0, first_frame - self._first)
        return max(self._late_ns[begin : max(begin, last_frame + 1 - self._first)], default=0)
