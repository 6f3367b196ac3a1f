"""The emulator's own health, with a clock and alarms that are made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path

import pytest

from rtbench.emulator import health
from rtbench.emulator.health import HealthWatch
from rtbench.emulator.truth_file import TruthFile

MS = 1_000_000


class Clock:
    """Alarms that ring on time unless the loop is held up, and a processor that is busy as long as it is told."""

    def __init__(self) -> None:
        self.now_ns = 5_000 * MS
        self.cpu_ns = 70 * MS
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._count = 0

    def call_at(self, at_ns: int, callback: Callable[[int], None]) -> None:
        self._count += 1
        heappush(self._due, (at_ns, self._count, callback))

    def run_until(self, at_ms: int, held_up_ms: int = 0) -> None:
        """To this time after the beginning, the first alarm on the way being so much late."""
        end_ns = (5_000 + at_ms) * MS
        while self._due and self._due[0][0] <= end_ns:
            at_ns, _, callback = heappop(self._due)
            self.now_ns = max(self.now_ns, at_ns + held_up_ms * MS)
            held_up_ms = 0
            callback(self.now_ns)
        self.now_ns = max(self.now_ns, end_ns)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(health, "monotonic_ns", lambda: clock.now_ns)
    monkeypatch.setattr(health, "unix_ns", lambda: clock.now_ns)
    monkeypatch.setattr(health, "cpu_ns", lambda: clock.cpu_ns)
    return clock


def test_each_second_tells_the_latest_alarm_and_the_share_of_the_processor(
    clock: Clock, tmp_path: Path
) -> None:
    watch = HealthWatch(clock, lambda: 12, TruthFile(tmp_path / "health.jsonl"))  # type: ignore[arg-type]
    watch.start()
    clock.run_until(400)
    assert watch.last is None
    clock.run_until(600, held_up_ms=37)
    clock.cpu_ns += 250 * MS
    clock.run_until(1_999)
    watch.close()
    (row,) = map(json.loads, (tmp_path / "health.jsonl").read_text().splitlines())
    assert (row["sessions"], row["loop_lag_max_ms"], row["cpu_share"]) == (12, 37.0, 0.25)
    assert row["interval_ms"] == 1_000.0
    assert watch.last is not None
    assert watch.last.loop_lag_max_ms == 37.0


def test_a_second_does_not_remember_the_one_before_it(clock: Clock) -> None:
    watch = HealthWatch(clock, lambda: 0, None)  # type: ignore[arg-type]
    watch.start()
    clock.run_until(500, held_up_ms=90)
    clock.run_until(2_500)
    assert watch.last is not None
    assert (watch.last.loop_lag_max_ms, watch.last.cpu_share) == (0.0, 0.0)
    watch.close()
