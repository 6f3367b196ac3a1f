"""Restarts of the whole emulator, on schedule: all or some sessions are closed, and for a time nobody is let in."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean, fault

SERVICE_RESTART = 1012
"""Close code of a server that restarts (IANA's registry of RFC 6455)."""

CODES = (1001, 1006, 1012, 1013)


class Restart(Block):
    """When the service restarts, and what its callers see of it."""

    at: Duration
    """When, from its start on."""

    lasts: Duration = Duration.parse("0 ms")
    """For so long nobody can connect."""

    every: Duration | None = None
    """And again after this: a rolling restart, where `share` is less than 1."""

    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the sessions that are closed each time; the door stays open where it is less than 1."""

    code: int = SERVICE_RESTART
    """Close code: 1012, 1001 or 1013; 1006 cuts them without a word, as a crash does."""

    @field_validator("every")
    @classmethod
    def _takes_time(cls, every: Duration | None) -> Duration | None:
        if every is not None and every.ns == 0:
            raise fault("must be longer than 0")
        return every

    @field_validator("code")
    @classmethod
    def _plausible(cls, code: int) -> int:
        if code not in CODES:
            raise fault(f"must not be {code}{did_you_mean(str(code), map(str, CODES))}")
        return code

    def struck(self, sessions: list[Any], wave: int) -> list[Any]:
        """Which of the sessions are closed in the nth wave, from 0: neighbours, so that a few waves go through all."""
        count = max(1, round(self.share * len(sessions))) if sessions else 0
        start = wave * count
        return [sessions[(start + step) % len(sessions)] for step in range(count)]
