"""Faults on the run's own schedule: connections that break at random, and storms that break many at once.

All of it comes from the scenario's seed; a storm's clock begins with the scenario's first call.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Protocol

from rtbench.clock import monotonic_ns
from rtbench.engine.alarm import Alarm, AlarmClock
from rtbench.scenario.drop import RandomDrops, Storm


class Breakable(Protocol):
    """A call whose connection can be broken."""

    def cut(self, how: str) -> None: ...


class RandomBreaks:
    """Breaks one call's connection again and again, until it is stopped."""

    def __init__(self, drops: RandomDrops, seed: int, call: Breakable, alarms: AlarmClock) -> None:
        self._drops = drops
        self._rng = random.Random(f"{seed}/drops")
        self._call = call
        self._alarms = alarms
        self._alarm: Alarm | None = None
        self._arm(monotonic_ns())

    def stop(self) -> None:
        """Break nothing more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _arm(self, now: int) -> None:
        self._alarm = self._alarms.call_at(now + self._drops.every.draw_ns(self._rng), self._strike)

    def _strike(self, now: int) -> None:
        self._call.cut(self._rng.choice(self._drops.how))
        if self._alarm is not None:
            self._arm(now)


class StormClock:
    """Breaks a share of the calls under way at the scenario's instants."""

    def __init__(
        self, storm: Storm, seed: int, calls: Callable[[], Collection[Breakable]], alarms: AlarmClock
    ) -> None:
        """`calls` are those under way."""
        self._storm = storm
        self._rng = random.Random(f"{seed}/storm")
        self._calls = calls
        self._alarms = alarms
        self._alarm = alarms.call_at(monotonic_ns() + storm.at.ns, self._strike)

    def stop(self) -> None:
        """No more storms."""
        self._alarm.cancel()

    def _strike(self, now: int) -> None:
        calls = list(self._calls())
        for call in self._rng.sample(calls, round(self._storm.share * len(calls))):
            call.cut(self._storm.how)
        if self._storm.every is not None:
            self._alarm = self._alarms.call_at(now + self._storm.every.ns, self._strike)
