"""When a caller makes a sound while the agent speaks."""

from __future__ import annotations

import random
from collections.abc import Callable

from pydantic import Field, model_validator

from rtbench.core.script import Moment
from rtbench.scenario.block import Block
from rtbench.scenario.duration import DurationRange
from rtbench.scenario.fault import fault

DEFAULT_MOMENT = Moment(heard_ns=1_000_000_000)
"""A second of the answer: the agent is well under way, and most of what it says is still to come."""

_MOMENTS = ("heard", "fraction", "after")


class InAnswer(Block):
    """A moment of the answer, by what the caller has heard of it; at most one key is written."""

    heard: DurationRange | None = None
    """Once so much of the answer's audio was heard, or drawn from a range; 1 s where no moment is written."""

    fraction: float | None = Field(default=None, ge=0, lt=1)
    """Once this share of the answer's audio was heard."""

    after: DurationRange | None = None
    """So long after the answer became audible, or drawn from a range."""

    @model_validator(mode="after")
    def _one_moment(self) -> InAnswer:
        given = [name for name in _MOMENTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise fault(f"one moment is enough: {' or '.join(given)}", given[1])
        return self

    @property
    def moment(self) -> Moment | None:
        """The moment that is written, the latest of a range; None where none is."""
        return self._moment(lambda written: written.high.ns)

    def draw(self, rng: random.Random) -> Moment | None:
        """One moment of those that are written."""
        return self._moment(lambda written: written.draw_ns(rng))

    def _moment(self, length_ns: Callable[[DurationRange], int]) -> Moment | None:
        if self.heard is not None:
            return Moment(heard_ns=length_ns(self.heard))
        if self.fraction is not None:
            return Moment(fraction=self.fraction)
        return None if self.after is None else Moment(elapsed_ns=length_ns(self.after))
