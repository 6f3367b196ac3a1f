"""A bad network, as a scenario writes it: the name of a preset, or its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from rtbench.core import script
from rtbench.core.delay_variation import delay_variation
from rtbench.core.impairment import PACKET_SPACING_MS, Conditions, delay_variations
from rtbench.core.impairment_presets import PRESETS
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean, fault, shown
from rtbench.scenario.share import Share

NONE = "none"
"""In a step: no simulated network any more."""


class Network(Block):
    """What lies between the callers and the service; one way, the same both ways but for the rates."""

    preset: str | None = None
    """Numbers to begin with: wifi, 4g, 3g, satellite, congested or train."""

    delay: Duration | None = None
    """Mean delay."""

    jitter: Duration | None = None
    """Mean difference of the delays of two packets 20 ms apart (RFC 3550); order is kept, so that it needs some delay."""

    loss: Share | None = Field(default=None, ge=0, lt=1)
    """Share of the packets lost: `2 %`, or a number up to 1. A WebSocket's stream loses nothing: it waits for what is sent again."""

    burst: float | None = Field(default=None, ge=1, le=1_000)
    """Mean length of the bursts in which packets are lost."""

    loss_in_burst: Share | None = Field(default=None, gt=0, le=1)
    """Share of the packets lost within a burst; 1 loses all of them."""

    reordering: Share | None = Field(default=None, ge=0, lt=1)
    """Share of the packets that are overtaken."""

    up_kbps: float | None = Field(default=None, gt=0)
    """Bandwidth from the caller to the service, in kbit/s."""

    down_kbps: float | None = Field(default=None, gt=0)
    """Bandwidth from the service to the caller."""

    queue: Duration | None = None
    """Longest time that a packet waits for bandwidth; one that would wait longer is dropped. 1 s by default."""

    outage_every: Duration | None = None
    """Length of the periods that hold one outage each."""

    outage: Duration | None = None
    """How long an outage lasts."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Network:
        if self.preset is not None and self.preset not in PRESETS:
            raise fault(f"unknown preset '{self.preset}'{did_you_mean(self.preset, PRESETS)}", "preset")
        found = self.conditions
        try:
            delay_variation(found.delay_ms, found.jitter_ms, PACKET_SPACING_MS)
            delay_variations(found)  # here, so that it is known when the first call asks
        except ValueError as exc:
            raise fault(f"cannot be had: {exc}", "jitter") from None
        if found.loss and found.loss >= found.loss_in_burst:
            told = f"must be more than the loss of {found.loss:g} as a whole, most of which lies in bursts"
            raise fault(told, "loss_in_burst" if self.loss_in_burst is not None else "loss")
        if found.outage_every_ms is not None and found.outage_ms >= found.outage_every_ms:
            raise fault("lasts as long as the periods between outages", "outage")
        return self

    @property
    def conditions(self) -> Conditions:
        """The same as the model needs it."""
        base = Conditions(name="own") if self.preset is None else PRESETS[self.preset]
        times = {
            "delay": "delay_ms",
            "jitter": "jitter_ms",
            "queue": "queue_ms",
            "outage_every": "outage_every_ms",
            "outage": "outage_ms",
        }
        changes: dict[str, Any] = {}
        for name in self.model_fields_set - {"preset"}:
            value = getattr(self, name)
            changes[times.get(name, name)] = value.ms if isinstance(value, Duration) else value
        if changes and self.preset is not None:
            changes["name"] = f"{self.preset}, changed"
        return replace(base, **changes)


def _in_full(written: Any) -> Any:
    if isinstance(written, str):
        return {"preset": written}
    if written is not None and not isinstance(written, dict | Network):
        raise fault(f"must be the name of a preset, or a mapping of numbers, not {shown(written)}")
    return written


NetworkField = Annotated[
    Network | None, BeforeValidator(_in_full, json_schema_input_type=str | Network | None)
]


def _or_none(written: Any) -> Any:
    return None if written == NONE else _in_full(written)


class ChangeNetwork(Block):
    """Put the caller behind another simulated network from here on, both ways, until another step changes it again.

    What is under way then arrives as the network before has it, and in its order. A scenario with such a step
    and no network of its own begins behind one that changes nothing.
    """

    network: Annotated[Network | None, BeforeValidator(_or_none, json_schema_input_type=str | Network | None)]
    """wifi, 4g, 3g, satellite, congested or train; {preset, delay, jitter, loss, ...}; or none."""

    @property
    def step(self) -> script.ChangeNetwork:
        """The same as the caller's machine needs it."""
        return script.ChangeNetwork(Conditions() if self.network is None else self.network.conditions)
