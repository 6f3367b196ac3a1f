"""Open loads: when each call comes, however the service fares, as from people who know nothing of each other.

A call for which no caller is left, as the `cap` is reached, does not start, and is counted.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, PrivateAttr

from rtbench.scenario.arrival_trace import read_trace
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.shape.closed import MOST_CALLERS


class Open(Block):
    """Calls that come at a rate, whether or not the ones before have ended."""

    rate: float = Field(gt=0, le=10_000)
    """Calls per second."""

    arrivals: Literal["poisson", "constant"] = "poisson"
    """Independent of each other, as those of people are, or like clockwork."""

    cap: int = Field(ge=1, le=MOST_CALLERS)
    """Most calls at a time."""

    lasts: Duration
    """How long calls come."""

    @property
    def most_users(self) -> int:
        return self.cap

    @property
    def length_s(self) -> float:
        return self.lasts.s

    def arrivals_s(self, seed: int) -> Iterator[float]:
        """When each call comes, in seconds from the beginning."""
        return itertools.takewhile(
            lambda at_s: at_s < self.length_s, arrivals_s(self.rate, self.arrivals, random.Random(seed))
        )


class Replay(Block):
    """Calls that come when they came once: the times in a column of a CSV file."""

    file: str = Field(min_length=1)
    """Relative to the scenario's file, or, on the command line, to the folder one is in."""

    column: str = "seconds"
    """Its name, or its number from 1 where the file has no names. Seconds; they count from the first call."""

    speed: float = Field(default=1.0, gt=0, le=1000)
    """How many times faster than they came."""

    cap: int = Field(ge=1, le=MOST_CALLERS)
    """Most calls at a time."""

    _trace_s: tuple[float, ...] = PrivateAttr(default=())

    @property
    def most_users(self) -> int:
        return self.cap

    @property
    def length_s(self) -> float:
        """Until the last call comes; 0 before the file has been read."""
        return max(self._trace_s, default=0.0) / self.speed

    def read(self, folder: Path) -> Replay:
        """With the times read from its file. Raises UsageError where that cannot be done."""
        copy = self.model_copy()
        copy._trace_s = read_trace(folder / self.file, self.column)
        return copy

    def arrivals_s(self, seed: int) -> Iterator[float]:
        """When each call comes, in seconds from the beginning; nothing is drawn."""
        return (at_s / self.speed for at_s in self._trace_s)


OpenShape = Open | Replay


def arrivals_s(rate: float, kind: str, rng: random.Random) -> Iterator[float]:
    """Seconds at which calls come at a rate per second, without an end: gaps are exponential or all alike."""
    at_s = 0.0 if kind == "constant" else rng.expovariate(rate)
    while True:
        yield at_s
        at_s += 1 / rate if kind == "constant" else rng.expovariate(rate)
