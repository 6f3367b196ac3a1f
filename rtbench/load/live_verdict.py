"""The verdict on a run as it stands while the run goes on, from its rows as they come in.

By the report's own limits. Histograms are decoded when they are asked for: where nobody looks, nothing is.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from hdrh.histogram import HdrHistogram

from rtbench.core.emulator_load import TABLE as EMULATOR_LOAD
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.core.validity import Doubt, Level, busy, late, lost, void

QUANTILE_OF_CPU = 0.95
"""Of an engine's seconds, as in the report."""


class LiveVerdict:
    """What speaks against a run so far."""

    def __init__(self) -> None:
        self._turns = 0
        self._void = 0
        self._received = 0
        self._handed_over: dict[str, int] = {}
        self._cpu_shares: defaultdict[str, list[float]] = defaultdict(list)
        self._emulator = EmulatorLoad()
        self._lateness: HdrHistogram | None = None
        self._encoded: list[str] = []

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """One row of a table."""
        if table == "turns":
            self._turns += 1
            self._void += row.get("void", False)
        elif table == EMULATOR_LOAD:
            self._emulator.take(row)
        if table in ("turns", "sessions"):
            self._received += 1
        elif table == "generator":
            worker = row["worker"]
            self._handed_over[worker] = row.get("rows_written", 0)
            insort(self._cpu_shares[worker], row.get("cpu_share", 0.0))
            if encoded := row.get("send_lateness"):
                self._encoded.append(encoded)

    def doubts(self) -> list[Doubt]:
        """What passes a limit so far, the worst first."""
        handed_over = sum(self._handed_over.values())
        found = [
            lost(handed_over - self._received, handed_over),  # an engine's rows come in before it counts them
            late(self._lateness_p99_ms()),
            void(self._void / self._turns) if self._turns else None,
            busy(max((_below(shares) for shares in self._cpu_shares.values()), default=0.0)),
            *self._emulator.doubts(),
        ]
        order = list(Level)[::-1]
        return sorted((doubt for doubt in found if doubt), key=lambda doubt: order.index(doubt.level))

    def lateness(self) -> HdrHistogram | None:
        """Send lateness of every frame so far, in microseconds; None before the first."""
        encoded, self._encoded = self._encoded, []
        for each in encoded:
            part = HdrHistogram.decode(each)
            if self._lateness is None:
                self._lateness = part
            else:
                self._lateness.add(part)
        return self._lateness

    def _lateness_p99_ms(self) -> float:
        lateness = self.lateness()
        if lateness is None or not lateness.get_total_count():
            return 0.0
        return float(lateness.get_value_at_percentile(99)) / 1000


def _below(ordered: list[float]) -> float:
    return ordered[int(QUANTILE_OF_CPU * (len(ordered) - 1))]
