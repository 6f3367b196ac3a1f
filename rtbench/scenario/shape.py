"""Load shapes: how many callers there are at a time, or when each call comes. Pure functions of elapsed time.

In a closed load (closed, ramp, steps, spike, soak) so many callers call again and again: a service that
slows down gets fewer calls. In an open load (open, replay) calls come at their own times, however the
service fares, as from people who know nothing of each other; a call for which no caller is left, as the
`cap` is reached, does not start, and is counted.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from rtbench.core.errors import UsageError
from rtbench.scenario.arrival_trace import read_trace
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean, fault, fault_location, fault_sentence
from rtbench.scenario.source import written_path

MOST_CALLERS = 100_000


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


ClosedShape = Closed | Ramp | Steps | Spike | Soak
OpenShape = Open | Replay
AnyShape = ClosedShape | OpenShape


class Shape(Block):
    """One load shape, by its name."""

    closed: Closed | None = None
    """So many callers all the time."""

    ramp: Ramp | None = None
    """A straight line from one number of callers to another."""

    steps: Steps | None = None
    """Up or down in steps."""

    spike: Spike | None = None
    """Suddenly many callers."""

    soak: Soak | None = None
    """So many callers for a long time."""

    open: Open | None = None
    """Calls at a rate."""

    replay: Replay | None = None
    """Calls as they came once."""

    @model_validator(mode="after")
    def _is_one(self) -> Shape:
        if len(self.model_fields_set) != 1 or self._given() is None:
            raise fault(f"must name one of {', '.join(type(self).model_fields)}")
        return self

    @field_validator("steps", "soak", "closed", "open", "ramp", "spike")
    @classmethod
    def _takes_time(cls, shape: AnyShape | None) -> AnyShape | None:
        if isinstance(shape, Steps) and not shape.every.ns:
            raise fault("must be longer than 0", "every")
        if shape is not None and shape.length_s == 0:
            raise fault("takes no time")
        return shape

    @property
    def kind(self) -> str:
        """Its name."""
        (kind,) = self.model_fields_set
        return kind

    @property
    def one(self) -> AnyShape:
        """The shape itself."""
        found = self._given()
        assert found is not None  # by validation
        return found

    def read_trace(self, folder: Path) -> Shape:
        """With the arrivals of a replay read from its file. Raises UsageError where that cannot be done."""
        if self.replay is None:
            return self
        return Shape(replay=self.replay.read(folder))

    def _given(self) -> AnyShape | None:
        given: AnyShape | None = getattr(self, next(iter(self.model_fields_set), "closed"))
        return given


def arrivals_s(rate: float, kind: str, rng: random.Random) -> Iterator[float]:
    """Seconds at which calls come at a rate per second, without an end: gaps are exponential or all alike."""
    at_s = 0.0 if kind == "constant" else rng.expovariate(rate)
    while True:
        yield at_s
        at_s += 1 / rate if kind == "constant" else rng.expovariate(rate)


def parse_shape(written: str) -> Shape:
    """A shape from the command line: `ramp:start=1,users=50,over=2min`. Raises UsageError."""
    try:
        return Shape.model_validate(_mapping(written))
    except ValidationError as error:
        first = error.errors()[0]
        existing, beyond = fault_location(first)
        raise UsageError(f"--shape: {written_path((*existing, *beyond))}: {fault_sentence(first)}") from None


def _mapping(written: str) -> dict[str, Any]:
    kind, _, rest = written.partition(":")
    fields = Shape.model_fields
    if kind.strip() not in fields:
        raise UsageError(f"--shape: there is no shape '{kind.strip()}'{did_you_mean(kind.strip(), fields)}")
    values: dict[str, Any] = {}
    for part in filter(None, (each.strip() for each in rest.split(","))):
        key, equals, text = (each.strip() for each in part.partition("="))
        if not equals or not key or not text:
            raise UsageError(f"--shape: '{part}' is not KEY=VALUE, as in ramp:start=1,users=50,over=2min")
        values[key] = _value(text)
    return {kind.strip(): values}


def _value(text: str) -> Any:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
