"""The course of a run's load: sees to it that as many call as its shape says, as time goes by.

Locust's own shapes are not used: the end of one takes the way by which Locust loses calls, and while
users are being spawned on workers it is not asked again. Here the number of callers follows the shape
in many small steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

import gevent

from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.scenario.shape import Open, Replay, Shape

LOOK_INTERVAL_S = 0.1
"""At most so much later than the shape says a caller begins: a ramp of 10 a second is even."""


class Lead(Protocol):
    """Who can be told how many are to call (see `conductor.Conductor`)."""

    target: str

    def set_level(self, users: int) -> None: ...

    def arrive(self) -> None: ...


Course = Callable[[Lead], None]
"""Leads the load from its beginning to its end, in a greenlet of its own."""


def shaped_course(shape: Shape, seed: int) -> Course:
    """The course of a shape whose trace, if it has one, has been read."""

    def drive(lead: Lead) -> None:
        one = shape.one
        start_ns = monotonic_ns()
        if isinstance(one, Open | Replay):
            for at_s in one.arrivals_s(seed):
                sleep_until(start_ns, at_s)
                lead.arrive()
            sleep_until(start_ns, one.length_s)
            return
        level = 0
        while (elapsed_s := (monotonic_ns() - start_ns) / NS_PER_S) < one.length_s:
            wanted = one.users_at(elapsed_s)
            if wanted != level:
                level = wanted
                lead.set_level(level)
            gevent.sleep(min(LOOK_INTERVAL_S, one.length_s - elapsed_s))

    return drive


def sleep_until(start_ns: int, at_s: float) -> None:
    """Until so many seconds after an instant; not at all where that is past."""
    left_s = at_s - (monotonic_ns() - start_ns) / NS_PER_S
    gevent.sleep(max(0.0, left_s))


class Underway:
    """A course that has been begun."""

    def __init__(self, course: Course, lead: Lead) -> None:
        self._greenlet = gevent.spawn(course, lead)

    @property
    def over(self) -> bool:
        """Whether it has come to its end. Raises what it ended by, if that was an error."""
        if not self._greenlet.ready():
            return False
        self._greenlet.get()
        return True

    def stop(self) -> None:
        """Nobody new calls from now on."""
        with contextlib.suppress(gevent.GreenletExit):
            self._greenlet.kill()
