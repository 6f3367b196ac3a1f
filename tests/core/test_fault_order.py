"""The order as a message."""

from __future__ import annotations

from rtbench.core.client_events import CLIENT_EVENTS
from rtbench.core.fault_order import FAULT_ORDER_TYPE, FaultOrder


def test_the_message_holds_the_fault_and_is_no_event_of_the_api() -> None:
    assert FaultOrder(fault={"stall": "2 s"}).members() == {
        "type": "rtbench.fault",
        "fault": {"stall": "2 s"},
    }
    assert FAULT_ORDER_TYPE.startswith("rtbench.")
    assert FaultOrder not in CLIENT_EVENTS
