"""A connection behind the simulated network, on a clock of the test's own."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from rtbench.core.impairment import Conditions, Network
from rtbench.transports import impaired as module
from rtbench.transports.impaired import FRAME_BYTES, ImpairedPath, ModelError, impaired

MS = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 0
        self.waiting: list = []

    def call_at(self, at_ns, callback) -> None:
        self.waiting.append((at_ns, len(self.waiting), callback))

    def run_until(self, at_ns: int) -> None:
        while due := sorted(entry for entry in self.waiting if entry[0] <= at_ns):
            self.waiting.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][2](self.now)
        self.now = at_ns


class Wire:
    pending_bytes = bytes_sent = bytes_received = 0

    def __init__(self, clock: Clock) -> None:
        self.clock, self.done = clock, []

    def send(self, message: bytes) -> None:
        self.done.append((self.clock.now // MS, message))

    def close(self, code=1000, reason="") -> None:
        self.done.append((self.clock.now // MS, code))

    def abort(self) -> None:
        self.done.append((self.clock.now // MS, "aborted"))

    def ping(self, answered) -> None:
        answered(self.clock.now)


class Heard:
    def __init__(self, clock: Clock, connection) -> None:
        self.clock, self.connection, self.done = clock, connection, []

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.done.append((arrival_ns // MS, message))

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.done.append((now_ns // MS, code))


@pytest.fixture
def scene(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "monotonic_ns", lambda: clock.now)

    def make(**conditions):
        network = Network(Conditions(**conditions), random.Random, 0)
        wire, error = Wire(clock), ModelError()
        receiver = impaired(lambda connection: Heard(clock, connection), network, clock, error)(wire)
        return clock, wire, receiver, receiver._receiver, error

    return make


def test_both_directions_are_late_by_the_delay(scene) -> None:
    clock, wire, receiver, heard, error = scene(delay_ms=40)
    heard.connection.send(b"up")
    receiver.on_message(b"down", 0)
    assert heard.connection.pending_bytes == 2
    clock.run_until(100 * MS)

    assert (wire.done, heard.done) == ([(40, b"up")], [(40, b"down")])
    assert (error.messages, error.worst_ns) == (2, 0)
    assert heard.connection.pending_bytes == 0


def test_a_narrow_link_spaces_messages_and_a_close_comes_last(scene) -> None:
    clock, _, receiver, heard, _ = scene(down_kbps=80)
    size = 1_000 - 52 - FRAME_BYTES  # 1,000 bytes with all headers: 100 ms
    receiver.on_message(b"a" * size, 0)
    receiver.on_message(b"b" * size, 0)
    receiver.on_close(1000, "", 0)
    clock.run_until(1_000 * MS)

    assert [at for at, _ in heard.done] == [100, 200, 206]
    assert heard.done[-1][1] == 1000


def test_nothing_is_sent_after_a_close_but_what_was_sent_before_arrives(scene) -> None:
    clock, wire, _, heard, _ = scene(delay_ms=10)
    heard.connection.send(b"last")
    heard.connection.close()
    heard.connection.send(b"too late")
    clock.run_until(100 * MS)

    assert wire.done == [(10, b"last"), (10, 1000)]


def test_a_ping_goes_both_ways_through_the_network(scene) -> None:
    clock, _, _, heard, _ = scene(delay_ms=25)
    answers: list[int] = []
    heard.connection.ping(lambda now: answers.append(now // MS))
    clock.run_until(100 * MS)

    assert answers == [50]


def test_datagrams_are_late_or_lost_both_ways(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic_ns", lambda: clock.now)
    network = Network(Conditions(delay_ms=30, loss=0.25, burst=1), random.Random, 0)
    left, came = [], []
    path = ImpairedPath(network, clock, ModelError(), left.append, came.append)
    for _ in range(40):
        path.send(SimpleNamespace(data=b"up"))
        path.deliver(SimpleNamespace(data=b"down"))
    assert left == came == []
    clock.run_until(30 * MS)

    assert (len(left), len(came)) == (30, 30)
