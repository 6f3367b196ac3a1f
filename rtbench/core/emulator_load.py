"""How busy an emulator is, second by second: whether the waits of its callers are its settings' or its own.

An emulator that has not its turn on a processor answers late, and over a WebSocket hears late. What it
did is in its log, so measured minus true stays small; but what is measured then is the machine.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping
from typing import Any

from rtbench.core.validity import Doubt, emulator_busy, emulator_late

TABLE = "emulator"
"""The name under which its seconds are shown to whoever watches a run's rows; they are in none of its tables."""

SHARE_OF_SECONDS = 0.95
"""As for the engines: one bad second of twenty is the machine's, not the load's."""


class EmulatorLoad:
    """The seconds of one emulator that were looked at."""

    def __init__(self) -> None:
        self._shares: list[float] = []
        self._lags_ms: list[float] = []

    def take(self, row: Mapping[str, Any]) -> None:
        """One second: `cpu_share` of a core by its busiest process, and `loop_lag_max_ms`; None for what is not known."""
        if row["cpu_share"] is not None:
            insort(self._shares, row["cpu_share"])
        if row["loop_lag_max_ms"] is not None:
            insort(self._lags_ms, row["loop_lag_max_ms"])

    @property
    def cpu_share(self) -> float | None:
        """What its busiest process stayed below in 95% of the seconds; None before the first."""
        return _below(self._shares)

    @property
    def loop_lag_ms(self) -> float | None:
        """What its event loop was late by at the most, in 95% of the seconds; None before the first."""
        return _below(self._lags_ms)

    def doubts(self) -> list[Doubt]:
        """What passes a limit so far."""
        share, lag_ms = self.cpu_share, self.loop_lag_ms
        found = [
            emulator_busy(share) if share is not None else None,
            emulator_late(lag_ms) if lag_ms is not None else None,
        ]
        return [doubt for doubt in found if doubt is not None]


def _below(ordered: list[float]) -> float | None:
    return ordered[math.ceil(SHARE_OF_SECONDS * len(ordered)) - 1] if ordered else None
