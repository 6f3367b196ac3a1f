"""What a scenario breaks on purpose, checked before anything is started: written rightly, and able to strike at all.

A fault that has no meaning over the transport of the calls would silently do nothing: it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtbench.scenario.fault import KeyPath
    from rtbench.scenario.model import Scenario

_MEDIA_DROPS = ("ice_dead", "channel_closed", "peer_gone")
"""Ways to break a connection that only one over WebRTC has."""


def check_faults(scenario: Scenario) -> None:
    """Check the faults of a scenario over its own transport. Raises UsageError naming file, line and key."""
    from pydantic_core import PydanticCustomError

    from rtbench.emulator.faults import objection, parse_faults
    from rtbench.emulator.line_faults import LINE_FAULTS
    from rtbench.scenario.fault import did_you_mean

    for keys, written in _faults(scenario):
        if keys[0] == "conversation":
            for name in written:
                if name not in LINE_FAULTS:
                    raise scenario.error(
                        (*keys, name), f"unknown fault '{name}'{did_you_mean(name, LINE_FAULTS)}"
                    )
        try:
            faults = parse_faults(written)
        except PydanticCustomError as error:
            context = error.context or {}
            raise scenario.error((*keys, *context["at"]), str(context["sentence"])) from None
        for name, found in faults.items():
            if why := objection(name, found, scenario.transport, filtered=scenario.is_filtered):
                raise scenario.error((*keys, name), why)
    if scenario.transport == "websocket":
        for keys, how in _drops(scenario):
            if how in _MEDIA_DROPS:
                raise scenario.error(
                    keys, f"{how} breaks a call over WebRTC; over a WebSocket there is no such thing"
                )


def _faults(scenario: Scenario) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    """Those of the emulator and those that are ordered, with the keys that lead to them."""
    from rtbench.scenario.drop import OrderFault
    from rtbench.scenario.steps import leaves

    yield ("emulator", "faults"), scenario.emulator.get("faults") or {}
    for keys, step in leaves(scenario.conversation):
        if isinstance(step, OrderFault):
            yield (*keys, "fault"), step.fault


def _drops(scenario: Scenario) -> Iterator[tuple[KeyPath, str]]:
    """How the caller's side breaks its connections, with the keys that lead to it."""
    from rtbench.scenario.drop import Drop
    from rtbench.scenario.steps import leaves

    for keys, step in leaves(scenario.conversation):
        if isinstance(step, Drop):
            yield (*keys, "drop", "how"), step.drop.how
    if scenario.drops is not None:
        for position, how in enumerate(scenario.drops.how):
            yield ("drops", "how", position), how
    if scenario.storm is not None:
        yield ("storm", "how"), scenario.storm.how
