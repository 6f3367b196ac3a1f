"""How a line is broken: by a code, or without a word."""

from __future__ import annotations

import json

from rtbench.core.machine import Outgoing
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.breakable import BreakableCall, BreakableDriver, break_line
from rtbench.emulator.faulty_messages import RawMessage
from rtbench.emulator.faulty_session import BreakLine


class Wire:
    def __init__(self) -> None:
        self.done: list = []

    def send(self, message: bytes) -> None:
        self.done.append(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.done.append(code)

    def abort(self) -> None:
        self.done.append("aborted")


class Machine:
    outcome = None

    def __init__(self, *events) -> None:
        self.events = list(events)
        self.stamped: list = []

    def start(self, now: int) -> None: ...

    def outgoing(self) -> list[Outgoing]:
        events, self.events = self.events, []
        return [Outgoing(event, 0) for event in events]

    def sent(self, event, sent_ns: int) -> None:
        self.stamped.append(event)

    def next_wake(self) -> None:
        return None


def test_a_code_is_told_and_1006_is_not() -> None:
    told, cut = Wire(), Wire()
    break_line(told, 1012)
    break_line(cut, 1006)

    assert (told.done, cut.done) == ([1012], ["aborted"])


def test_raw_bytes_pass_the_codec_by_and_orders_break_the_line() -> None:
    wire = Wire()
    driver = BreakableDriver(Machine(RawMessage(b"{"), BreakLine(1011)), None, None, None, lambda: None)
    driver.start(wire)

    assert wire.done == [b"{", 1011]


def test_a_session_that_has_vanished_says_nothing_any_more() -> None:
    wire = Wire()
    vanish = BreakLine(1006, "vanish")
    driver = BreakableDriver(Machine(vanish, RawMessage(b"late")), None, None, None, lambda: None)
    driver.start(wire)

    assert wire.done == []
    assert driver.has_vanished


def test_a_restart_is_a_code_over_a_websocket_and_over_webrtc_an_error_before_the_goodbye() -> None:
    closed, told, cut = Wire(), Wire(), Wire()
    for kind, wire, code in (
        (BreakableDriver, closed, 1012),
        (BreakableCall, told, 1012),
        (BreakableCall, cut, 1006),
    ):
        kind(Machine(), OPENAI_GA.server_codec("e"), None, None, lambda: None).start(wire).restart(code)

    assert closed.done == [1012]
    assert json.loads(told.done[0])["error"]["code"] == "service_restart" and told.done[1:] == [1012]
    assert cut.done == ["aborted"]
