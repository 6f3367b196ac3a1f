"""Connections broken on purpose: the step `drop`, a schedule of random drops, and the storm."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from rtbench.core import script
from rtbench.core.script import DropHow, Moment
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration, DurationRange
from rtbench.scenario.fault import fault, shown
from rtbench.scenario.share import Share

DEFAULT_HEARD = Duration.parse("500 ms")

When = Literal["before_answer", "mid_answer", "mid_utterance", "handshake", "idle"]


class DropOptions(Block):
    """How the connection is broken, and when."""

    how: DropHow = "reset"
    """reset, half_open or close; over WebRTC also ice_dead, channel_closed or peer_gone."""

    when: When = "before_answer"
    """before_answer and mid_answer stand between a say and its listen; mid_utterance before a say, in which it strikes;
    handshake breaks the connection here, and the next one while it is made; idle breaks it here."""

    heard: Duration | None = None
    """For mid_answer: after so much of the answer was heard; 500 ms where none is written."""


def _in_full(written: Any) -> Any:
    if written is None:
        return {}
    if isinstance(written, str):
        return {"how": written}
    if not isinstance(written, dict | DropOptions):
        raise fault(f"must be a way such as reset, or {{how, when}}, not {shown(written)}")
    return written


class Drop(Block):
    """Break the caller's own connection."""

    drop: Annotated[DropOptions, BeforeValidator(_in_full, json_schema_input_type=str | DropOptions | None)]
    """Nothing, a way, or {how, when, heard}."""

    @property
    def step(self) -> script.Drop:
        """The same as the caller's machine needs it."""
        options = self.drop
        match options.when:
            case "mid_answer":
                return script.Drop(
                    options.how, "mid_answer", Moment(heard_ns=(options.heard or DEFAULT_HEARD).ns)
                )
            case "mid_utterance" | "handshake":
                return script.Drop(options.how, options.when)
        return script.Drop(options.how)


class OrderFault(Block):
    """Tell the emulator to go wrong; other services do not know this."""

    fault: dict[str, Any] = Field(min_length=1)
    """Faults by name, as in an emulator profile's `faults`; each strikes once, at its next occasion."""

    @property
    def step(self) -> script.OrderFault:
        """The same as the caller's machine needs it."""
        return script.OrderFault(self.fault)


class RandomDrops(Block):
    """Connections that break at random, by the scenario's seed."""

    every: DurationRange
    """Time from one break of a caller's connection to the next, drawn from a range."""

    how: list[DropHow] = Field(default=["reset"], min_length=1)
    """The ways, each as likely as the others."""


class Storm(Block):
    """Many connections broken at one instant."""

    share: Annotated[Share, Field(gt=0, le=1)]
    """Share of the calls under way: `50 %`, or a number up to 1."""

    at: Duration
    """When, from the first call of the run on."""

    every: Duration | None = None
    """And again after this, as long as the run lasts."""

    how: DropHow = "reset"
    """How each of them is broken."""

    @field_validator("every")
    @classmethod
    def _takes_time(cls, every: Duration | None) -> Duration | None:
        if every is not None and every.ns == 0:
            raise fault("must be longer than 0")
        return every
