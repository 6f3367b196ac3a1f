"""What a metric is: a name, a unit, and a function from one record to a number."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

METRIC_VERSION = 2
"""Raised whenever a definition changes; runs of different versions refuse to compare."""

NS_PER_MS = 1_000_000

Record = TypeVar("Record")

Better = Literal["less", "more", "zero"]
"""Which way a metric is to go; zero: it is signed, and neither more nor less of it is better."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[Record]):
    """A metric of one record (a turn, a session); None where it does not apply or did not happen."""

    compute: Callable[[Record], float | None]
    unit: str = "ms"
    better: Better = "less"

    @property
    def name(self) -> str:
        """The column, the threshold and the label in the report: the function's own name."""
        return self.compute.__name__

    @property
    def definition(self) -> str:
        """The formula, as the function's docstring states it."""
        return inspect.getdoc(self.compute) or ""


def elapsed_ms(start_ns: int | None, end_ns: int | None) -> float | None:
    """Milliseconds from one instant to another, signed; None where either did not happen."""
    if start_ns is None or end_ns is None:
        return None
    return (end_ns - start_ns) / NS_PER_MS
