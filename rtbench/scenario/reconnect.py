"""What a caller does when the connection goes away, as a scenario writes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from rtbench.core.reconnection import ReconnectPolicy
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import fault


class Reconnect(Block):
    """Try again with growing waits, restore the session, and fall back to writing when that fails."""

    attempts: int = Field(default=3, ge=0, le=1_000)
    """Tries in a row before the caller gives up; a session that stands begins the count anew."""

    base: Duration = Duration.parse("1 s")
    """Wait before the first try."""

    factor: float = Field(default=2.0, ge=1, le=10)
    """By how much each further wait is longer than the one before."""

    jitter: float = Field(default=0.0, ge=0, le=1)
    """Share of each wait that is drawn anew: 0.2 makes it 80 to 120 % of itself."""

    cap: Duration = Duration.parse("30 s")
    """Longest wait."""

    restore: list[Literal["session", "history"]] = Field(default=["session", "history"])
    """What a new session is given: its configuration, and what was said, as items of text."""

    fall_back: Literal["text", "none"] = "text"
    """What is left when all tries have failed: the conversation goes on in writing, or not at all."""

    fall_back_model: str = ""
    """Model of the session in writing; the scenario's own where it is empty."""

    rotate_after: Duration | None = None
    """Age at which a session is replaced by a new one, between two turns; the API ends sessions after 60 minutes."""

    idle: Duration | None = None
    """A connection on which nothing comes for so long while an answer is due is pinged, and given up after as long again."""

    @field_validator("base", "rotate_after", "idle")
    @classmethod
    def _takes_time(cls, duration: Duration | None) -> Duration | None:
        if duration is not None and duration.ns == 0:
            raise fault("must be longer than 0")
        return duration

    @property
    def policy(self) -> ReconnectPolicy:
        """The same as the caller's machine needs it."""
        return ReconnectPolicy(
            attempts=self.attempts,
            base_ns=self.base.ns,
            factor=self.factor,
            jitter=self.jitter,
            cap_ns=self.cap.ns,
            restore=tuple(self.restore),
            fall_back=self.fall_back,
            fall_back_model=self.fall_back_model,
            rotate_after_ns=None if self.rotate_after is None else self.rotate_after.ns,
            idle_ns=None if self.idle is None else self.idle.ns,
        )
