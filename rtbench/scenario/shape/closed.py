"""Closed loads: how many callers there are at a time, who call again and again. Pure functions of elapsed time.

A service that slows down gets fewer calls of them.
"""

from __future__ import annotations

import math

from pydantic import Field

from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration

MOST_CALLERS = 100_000
"""At a time, in any shape: beyond it a number is more likely a slip of the hand."""


class Closed(Block):
    """So many callers, from the beginning to the end."""

    users: int = Field(ge=1, le=MOST_CALLERS)
    """Callers at a time."""

    lasts: Duration
    """How long."""

    @property
    def most_users(self) -> int:
        return self.users

    @property
    def length_s(self) -> float:
        return self.lasts.s

    def users_at(self, elapsed_s: float) -> int:
        """Callers wanted at this time."""
        return self.users


class Ramp(Block):
    """From one number of callers to another in a straight line, then on at that one."""

    start: int = Field(default=1, ge=0, le=MOST_CALLERS)
    """At its beginning."""

    users: int = Field(ge=0, le=MOST_CALLERS)
    """At its end."""

    over: Duration
    """How long it takes."""

    hold: Duration = Duration(0)
    """How long the last number stays."""

    @property
    def most_users(self) -> int:
        return max(self.start, self.users)

    @property
    def length_s(self) -> float:
        return self.over.s + self.hold.s

    def users_at(self, elapsed_s: float) -> int:
        """Callers wanted at this time."""
        way = min(1.0, elapsed_s / self.over.s) if self.over.ns else 1.0
        return math.floor(self.start + (self.users - self.start) * way + 0.5)


class Steps(Block):
    """Up, or down, by the same number of callers every time."""

    start: int = Field(ge=0, le=MOST_CALLERS)
    """On the first step."""

    users: int = Field(ge=0, le=MOST_CALLERS)
    """On the last step; the step that would go beyond ends there."""

    by: int = Field(ge=1, le=MOST_CALLERS)
    """Callers from step to step."""

    every: Duration
    """How long each step is held."""

    @property
    def most_users(self) -> int:
        return max(self.start, self.users)

    @property
    def length_s(self) -> float:
        return (math.ceil(abs(self.users - self.start) / self.by) + 1) * self.every.s

    def users_at(self, elapsed_s: float) -> int:
        """Callers wanted at this time."""
        climbed = self.by * int(elapsed_s / self.every.s)
        if self.users >= self.start:
            return min(self.start + climbed, self.users)
        return max(self.start - climbed, self.users)


class Spike(Block):
    """A few callers, suddenly many, then the few again."""

    base: int = Field(ge=0, le=MOST_CALLERS)
    """Before it and after it."""

    users: int = Field(ge=1, le=MOST_CALLERS)
    """In the spike."""

    before: Duration
    """How long the few are alone."""

    lasts: Duration
    """How long the spike stays."""

    after: Duration
    """How long the run goes on."""

    @property
    def most_users(self) -> int:
        return max(self.base, self.users)

    @property
    def length_s(self) -> float:
        return self.before.s + self.lasts.s + self.after.s

    def users_at(self, elapsed_s: float) -> int:
        """Callers wanted at this time."""
        inside = self.before.s <= elapsed_s < self.before.s + self.lasts.s
        return self.users if inside else self.base


class Soak(Block):
    """So many callers for a long time, who come one after the other."""

    users: int = Field(ge=1, le=MOST_CALLERS)
    """Once all are there."""

    ramp: Duration = Duration.parse("30 s")
    """In which they come."""

    lasts: Duration
    """How long all stay."""

    @property
    def most_users(self) -> int:
        return self.users

    @property
    def length_s(self) -> float:
        return self.ramp.s + self.lasts.s

    def users_at(self, elapsed_s: float) -> int:
        """Callers wanted at this time."""
        if elapsed_s >= self.ramp.s:
            return self.users
        return min(self.users, math.floor(self.users * elapsed_s / self.ramp.s) + 1)


ClosedShape = Closed | Ramp | Steps | Spike | Soak
