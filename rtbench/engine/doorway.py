"""Spaces the beginnings of calls: those asked for in one breath would hold up the calls under way.

Locust starts the users of a second all at once. To begin a call takes a millisecond of processor time here, and
its connection about as much at the other end: fifty in a row made every frame of that time late.
"""

from __future__ import annotations

from collections.abc import Callable

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.engine.alarm import Alarm, AlarmClock
from rtbench.engine.messages import StartCall

SPACING_NS = 5 * NS_PER_MS
"""200 calls a second at most: four times what is aimed at, for one engine."""


class Doorway:
    """Lets calls begin one after the other, in the order in which they were asked for."""

    def __init__(self, alarms: AlarmClock, begin: Callable[[StartCall], None]) -> None:
        self._alarms = alarms
        self._begin = begin
        self._waiting: dict[int, StartCall] = {}
        self._alarm: Alarm | None = None
        self._free_ns = 0

    def enter(self, order: StartCall) -> None:
        """Begin a call, at once where the last one began long enough ago."""
        now = monotonic_ns()
        if not self._waiting and now >= self._free_ns:
            self._free_ns = now + SPACING_NS
            self._begin(order)
            return
        self._waiting[order.call] = order
        self._await_next()

    def hurry(self, number: int) -> None:
        """Begin a call that still waits now, as it is to be ended."""
        order = self._waiting.pop(number, None)
        if order is not None:
            self._begin(order)

    def hurry_all(self) -> None:
        """Begin all that still wait."""
        for number in tuple(self._waiting):
            self.hurry(number)

    def _await_next(self) -> None:
        if self._waiting and self._alarm is None:
            self._alarm = self._alarms.call_at(self._free_ns, self._next)

    def _next(self, now: int) -> None:
        self._alarm = None
        if self._waiting:
            self._free_ns = now + SPACING_NS
            self.hurry(next(iter(self._waiting)))
            self._await_next()
