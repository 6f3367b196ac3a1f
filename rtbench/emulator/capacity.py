"""Capacity: how much a service holds at a time, and how it gets slower and then refuses. Pure, and shared by sessions.

Written in a profile as `capacity: {slots: 40, queue: 10, slow_down: {above: 20, per_session: 15 ms}}`.
Each of its parts gives the service a knee that can be worked out beforehand:

- `sessions`: with calls coming independently of each other, those refused are a share of Erlang's
  formula B; with so many callers at a time, none up to the number;
- `slots`: the same of answers, with the time that an answer takes; with a `queue` they wait first;
- `slow_down`: the delay of an answer is a straight line above a number of sessions.

The places of one process are counted; several processes behind one port have as many each.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from rtbench.emulator.delays import Delay, parse_delay
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import fault

RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
"""Error code of an answer, and of a session, for which there is no place."""


def _parse_hold(written: Any) -> Delay | None:
    return None if written is None else parse_delay(written)


class SlowDown(Block):
    """Answers that come later the more sessions there are."""

    above: int = Field(default=0, ge=0)
    """Up to so many sessions nothing is felt."""

    per_session: Duration
    """Added to the delay of every answer for each session above."""


class Capacity(Block):
    """The service's limits; it has none that is not given."""

    sessions: int | None = Field(default=None, ge=0)
    """Most sessions at a time; one more is refused over HTTP."""

    refusal: Literal[429, 503] = 429
    """HTTP status of that refusal."""

    slots: int | None = Field(default=None, ge=1)
    """Most answers made at a time."""

    queue: int = Field(default=0, ge=0)
    """Answers that wait for a slot, first come, first served; one more fails with `rate_limit_exceeded`."""

    hold: Annotated[Any, BeforeValidator(_parse_hold)] = None
    """How long an answer keeps its slot; until its last audio has been sent where this is not given."""

    slow_down: SlowDown | None = None

    @model_validator(mode="after")
    def _queues_for_something(self) -> Capacity:
        if self.slots is None and (self.queue or self.hold is not None):
            raise fault("needs slots to wait for", "queue" if self.queue else "hold")
        return self


class Place(NamedTuple):
    """Where an answer stands."""

    queued_ns: int
    """How long it waits for a slot."""


class Occupancy:
    """What is in use at present, over all sessions of a process. Instants are on the sessions' common clock."""

    def __init__(self) -> None:
        self.sessions = 0
        """Sessions open."""

        self._free_ns: list[int] = []
        """A heap: when each slot is free again, as far as they have been given out."""

        self._begins_ns: list[int] = []
        """A heap: when those begin who wait."""

    def has_room(self, capacity: Capacity | None) -> bool:
        """Whether one more session may begin."""
        return capacity is None or capacity.sessions is None or self.sessions < capacity.sessions

    def enter(self) -> None:
        """A session begins."""
        self.sessions += 1

    def leave(self) -> None:
        """A session has ended."""
        self.sessions -= 1

    def slow_down_ms(self, capacity: Capacity | None) -> float:
        """What the sessions that are open add to the delay of an answer."""
        slow_down = capacity.slow_down if capacity is not None else None
        if slow_down is None:
            return 0.0
        return slow_down.per_session.ms * max(0, self.sessions - slow_down.above)

    def take_slot(self, capacity: Capacity | None, now: int, hold_ns: Callable[[], int]) -> Place | None:
        """A slot for an answer, now or later; None where as many wait as may.

        The slot is kept for `hold_ns()` from then on. It is given out at once, in the order of asking: an
        answer that is cancelled keeps what it was given.
        """
        if capacity is None or capacity.slots is None:
            return Place(0)
        while self._begins_ns and self._begins_ns[0] <= now:
            heapq.heappop(self._begins_ns)
        while self._free_ns and self._free_ns[0] <= now:
            heapq.heappop(self._free_ns)
        begins_ns = now
        if len(self._free_ns) >= capacity.slots:
            if len(self._begins_ns) >= capacity.queue:
                return None
            begins_ns = heapq.heappop(self._free_ns)
            heapq.heappush(self._begins_ns, begins_ns)
        heapq.heappush(self._free_ns, begins_ns + hold_ns())
        return Place(begins_ns - now)
