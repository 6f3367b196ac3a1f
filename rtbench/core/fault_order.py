"""An order to the emulator to go wrong, sent by a scenario over the caller's own connection."""

from __future__ import annotations

from dataclasses import dataclass

from rtbench.core.client_events import ClientEvent, Json

FAULT_ORDER_TYPE = "rtbench.fault"
"""The `type` of the message. It is no event of the API: other services answer it with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder(ClientEvent):
    """Go wrong in this way, at the next occasion; `fault` is a mapping of names as in a profile's `faults`."""

    fault: Json

    def members(self) -> Json:
        """The message, before it is encoded as JSON."""
        return {"type": FAULT_ORDER_TYPE, "fault": self.fault}
