"""One connection of a call: what passes, and what does not any more."""

from __future__ import annotations

import pytest

from rtbench.engine.call_link import CallLink


class Call:
    def __init__(self) -> None:
        self.heard: list = []

    def begin_connection(self, link) -> None:
        self.heard.append("begun")

    def on_message(self, message, arrival_ns) -> None:
        self.heard.append(message)

    def on_packet(self, packet, arrival_ns) -> None:
        self.heard.append(packet)

    def on_close(self, code, reason, now_ns) -> None:
        self.heard.append(code)


class Wire:
    pending_bytes, bytes_sent, bytes_received = 1, 2, 3

    def __init__(self) -> None:
        self.done: list = []

    def send(self, message) -> None:
        self.done.append(message)

    def close(self, code=1000, reason="") -> None:
        self.done.append(code)

    def abort(self) -> None:
        self.done.append("aborted")

    def reset(self) -> None:
        self.done.append("reset")

    def ping(self, answered) -> None:
        self.done.append("ping")


@pytest.fixture
def call() -> Call:
    return Call()


def stand(call: Call) -> tuple[CallLink, Wire]:
    link, wire = CallLink(call), Wire()
    link.begin(wire)
    return link, wire


def test_everything_passes_while_it_stands(call) -> None:
    link, wire = stand(call)
    link.send(b"a")
    link.on_message(b"b", 1)
    link.on_packet("p", 1)
    link.on_close(1011, "", 2)

    assert call.heard == ["begun", b"b", "p", 1011]
    assert wire.done == [b"a"]
    assert (link.pending_bytes, link.bytes_sent, link.bytes_received) == (1, 2, 3)


def test_nothing_of_one_that_was_left_is_heard(call) -> None:
    link, _ = stand(call)
    link.is_left = True
    link.on_message(b"b", 1)
    link.on_close(1006, "", 2)

    assert call.heard == ["begun"]


def test_one_that_comes_about_too_late_is_cut(call) -> None:
    link, wire = CallLink(call), Wire()
    link.is_left = True
    link.begin(wire)

    assert (call.heard, wire.done) == ([], ["aborted"])


@pytest.mark.parametrize("how", ["half_open", "ice_dead"])
def test_a_dead_line_lets_nothing_through_and_tells_nobody(call, how: str) -> None:
    link, wire = stand(call)
    link.cut(how)
    link.send(b"a")
    link.on_message(b"b", 1)
    link.on_close(1006, "", 2)
    assert link.ping(lambda now: None)

    assert (call.heard, wire.done) == (["begun"], [])


@pytest.mark.parametrize(("how", "done"), [("reset", "reset"), ("peer_gone", "reset"), ("close", 1000)])
def test_other_cuts_reach_the_wire(call, how: str, done) -> None:
    link, wire = stand(call)
    link.cut(how)

    assert wire.done == [done]


class Peer(Wire):
    """A connection over WebRTC."""

    def go_dark(self) -> None:
        self.done.append("dark")

    def say_goodbye(self, *, channel_alone: bool) -> None:
        self.done.append("channel closed" if channel_alone else "goodbye")


@pytest.mark.parametrize(
    ("how", "done"),
    [("ice_dead", "dark"), ("half_open", "dark"), ("close", "goodbye"), ("channel_closed", "channel closed")],
)
def test_over_webrtc_the_transport_itself_is_broken_and_its_end_is_heard(call, how: str, done: str) -> None:
    link, wire = CallLink(call), Peer()
    link.begin(wire)
    link.cut(how)
    link.on_close(1006, "consent expired", 2)

    assert (call.heard, wire.done) == (["begun", 1006], [done])


def test_before_it_stands_there_is_nothing_to_count_or_to_ping(call) -> None:
    link = CallLink(call)

    assert (link.pending_bytes, link.bytes_sent, link.bytes_received) == (0, 0, 0)
    assert not link.ping(lambda now: None)
