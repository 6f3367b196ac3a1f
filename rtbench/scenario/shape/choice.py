"""The choice of one load shape by its name, as a scenario makes it."""

from __future__ import annotations

from pathlib import Path

from pydantic import field_validator, model_validator

from rtbench.scenario.block import Block
from rtbench.scenario.fault import fault
from rtbench.scenario.shape.closed import Closed, ClosedShape, Ramp, Soak, Spike, Steps
from rtbench.scenario.shape.open import Open, OpenShape, Replay

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
