from dataclasses import dataclass, field

import pytest

from rtbench.core.machine import Disconnected, Outgoing
from rtbench.engine import driver
from rtbench.engine.alarm import Alarm
from rtbench.engine.driver import Driver
from rtbench.transports.memory import VirtualClock, memory_pair

DELAY_NS = 10


class VirtualAlarms:
    """The driver's alarms on the virtual clock of the memory transport."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.set_at: list[int] = []

    def call_at(self, at_ns: int, callback) -> Alarm:
        alarm = Alarm(at_ns, callback)
        self.set_at.append(at_ns)
        self._clock.call_at(at_ns, lambda: alarm.ring(self._clock.now))
        return alarm


class TextCodec:
    """Events are strings."""

    def encode(self, event: str) -> bytes:
        return event.encode()

    def decode(self, message: bytes) -> str:
        return message.decode()


@dataclass
class Machine:
    """Writes down what is done to it; `say`, `wake_at` and `end` are what it will answer."""

    log: list = field(default_factory=list)
    say: list = field(default_factory=list)
    wake_at: int | None = None
    outcome: str | None = None

    def start(self, now: int) -> None:
        self.log.append(("start", now))

    def receive(self, event: object, now: int) -> None:
        self.log.append(("receive", event, now))
        if event == "end":
            self.outcome = "completed"

    def wake(self, now: int) -> None:
        self.log.append(("wake", now))
        self.wake_at = None

    def outgoing(self) -> list[Outgoing]:
        self.log.append(("outgoing",))
        said, self.say = self.say, []
        return [Outgoing(event, due_ns) for event, due_ns in said]

    def sent(self, event: object, sent_ns: int) -> None:
        self.log.append(("sent", event, sent_ns))

    def next_wake(self) -> int | None:
        self.log.append(("next_wake",))
        return self.wake_at


@dataclass
class Watcher:
    seen: list = field(default_factory=list)

    def received(self, event: object, at_ns: int) -> None:
        self.seen.append(("received", event, at_ns))

    def sent(self, event: object, due_ns: int, at_ns: int) -> None:
        self.seen.append(("sent", event, due_ns, at_ns))


@dataclass
class Peer:
    """The other end of the connection."""

    heard: list = field(default_factory=list)
    closes: list = field(default_factory=list)

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.heard.append((message.decode(), arrival_ns))

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.closes.append((code, now_ns))


class Scene:
    """A driver with its machine at one end of a memory connection, a peer at the other, on a virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.machine, self.watcher, self.peer = Machine(), Watcher(), Peer()
        self.alarms = VirtualAlarms(clock)
        self.overs = 0
        self.near, self.far = memory_pair(clock, DELAY_NS)
        self.far.attach(self.peer)
        self.driver = Driver(self.machine, TextCodec(), self.alarms, self.watcher, self._over)
        self.near.attach(self.driver)

    def _over(self) -> None:
        self.overs += 1

    def start(self) -> None:
        self.driver.start(self.near)

    def arrive(self, text: str) -> None:
        self.far.send(text.encode())
        self.clock.run_until(self.clock.now + DELAY_NS)


@pytest.fixture
def scene(monkeypatch) -> Scene:
    clock = VirtualClock(1_000)
    monkeypatch.setattr(driver, "monotonic_ns", lambda: clock.now)
    return Scene(clock)


def test_starting_feeds_drains_and_arms_in_this_order(scene) -> None:
    scene.machine.say = [("hello", 990)]
    scene.machine.wake_at = 1_500
    scene.start()
    assert scene.machine.log == [("start", 1_000), ("outgoing",), ("sent", "hello", 1_000), ("next_wake",)]
    assert scene.alarms.set_at == [1_500]
    scene.clock.run_until(1_010)
    assert scene.peer.heard == [("hello", 1_010)]


def test_a_message_is_observed_and_fed_with_its_arrival_then_the_machine_is_drained(scene) -> None:
    scene.start()
    scene.machine.log.clear()
    scene.machine.say = [("answer", 1_005)]
    scene.arrive("question")
    assert scene.machine.log == [
        ("receive", "question", 1_010),
        ("outgoing",),
        ("sent", "answer", 1_010),
        ("next_wake",),
    ]
    assert scene.watcher.seen == [("received", "question", 1_010), ("sent", "answer", 1_005, 1_010)]


def test_what_a_machine_says_leaves_in_its_order(scene) -> None:
    scene.machine.say = [("one", 0), ("two", 0), ("three", 0)]
    scene.start()
    scene.clock.run_until(1_010)
    assert [text for text, _ in scene.peer.heard] == ["one", "two", "three"]


def test_a_machine_is_woken_when_it_asked_to_be(scene) -> None:
    scene.machine.wake_at = 1_700
    scene.start()
    scene.clock.run_until(2_000)
    assert ("wake", 1_700) in scene.machine.log
    assert scene.machine.log.count(("wake", 1_700)) == 1


def test_what_has_arrived_is_taken_before_the_machine_is_woken(scene, monkeypatch) -> None:
    monkeypatch.setattr(scene.driver, "catch_up", lambda: scene.driver.on_message(b"before", 1_690))
    scene.machine.wake_at = 1_700
    scene.start()
    scene.clock.run_until(1_700)
    told = [entry for entry in scene.machine.log if entry[0] in ("receive", "wake")]
    assert told[:2] == [("receive", "before", 1_690), ("wake", 1_700)]


def test_an_earlier_wish_moves_the_alarm_forward(scene) -> None:
    scene.machine.wake_at = 9_000
    scene.start()
    scene.machine.wake_at = 1_200
    scene.arrive("sooner, please")
    scene.clock.run_until(10_000)
    assert [entry for entry in scene.machine.log if entry[0] == "wake"] == [("wake", 1_200)]


def test_a_later_wish_is_served_by_waking_early_and_asking_again(scene) -> None:
    scene.machine.wake_at = 1_200
    scene.start()
    scene.machine.wake_at = 5_000
    scene.arrive("later, please")
    assert scene.alarms.set_at == [1_200]
    waking = scene.machine.wake

    def wake(now: int) -> None:
        waking(now)
        scene.machine.wake_at = 5_000 if now < 5_000 else None

    scene.machine.wake = wake
    scene.clock.run_until(10_000)
    assert [entry for entry in scene.machine.log if entry[0] == "wake"] == [("wake", 1_200), ("wake", 5_000)]


def test_a_machine_that_waits_for_nothing_sets_no_alarm(scene) -> None:
    scene.start()
    scene.arrive("hello")
    assert scene.alarms.set_at == []


def test_the_machines_time_never_runs_back_though_an_alarm_rang_early(scene) -> None:
    """The trace keeps the arrival as it was stamped."""
    scene.start()
    scene.machine.wake_at = 1_050
    scene.driver.settle()
    scene.driver._alarm.ring(1_050)
    scene.driver.on_message(b"just before", 1_030)
    assert scene.machine.log[-3] == ("receive", "just before", 1_050)
    assert scene.watcher.seen == [("received", "just before", 1_030)]


def test_the_end_closes_the_connection_and_is_told_once(scene) -> None:
    scene.start()
    scene.machine.say = [("bye", 0)]
    scene.arrive("end")
    assert scene.overs == 1
    scene.clock.run_until(2_000)
    assert [text for text, _ in scene.peer.heard] == ["bye"]
    assert scene.peer.closes == [(1000, 1_020)]
    assert scene.overs == 1


def test_no_alarm_rings_after_the_end(scene) -> None:
    scene.machine.wake_at = 5_000
    scene.start()
    scene.arrive("end")
    scene.clock.run_until(10_000)
    assert not [entry for entry in scene.machine.log if entry[0] == "wake"]


def test_events_after_the_end_are_observed_and_change_nothing(scene) -> None:
    scene.start()
    scene.far.send(b"end")
    scene.far.send(b"too late")
    scene.clock.run_until(2_000)
    assert ("received", "too late", 1_010) in scene.watcher.seen
    assert scene.overs == 1


def test_the_close_that_answers_our_own_is_observed_after_the_end(scene) -> None:
    scene.start()
    scene.arrive("end")
    scene.clock.run_until(2_000)
    assert scene.watcher.seen[-1] == ("received", Disconnected(1000, ""), 1_030)
    assert scene.overs == 1


def test_a_connection_that_is_lost_is_an_event_like_others(scene) -> None:
    scene.start()
    scene.far.abort()
    scene.clock.run_until(2_000)
    lost = Disconnected(1006, "connection lost")
    assert ("receive", lost, 1_010) in scene.machine.log
    assert scene.watcher.seen == [("received", lost, 1_010)]


def test_a_machine_that_ends_when_the_connection_is_lost_is_over_once(scene) -> None:
    receive = scene.machine.receive

    def take(event: object, now: int) -> None:
        receive(event, now)
        if isinstance(event, Disconnected):
            scene.machine.outcome = "dropped"

    scene.machine.receive = take
    scene.start()
    scene.far.close(1011, "overloaded")
    scene.clock.run_until(2_000)
    assert ("receive", Disconnected(1011, "overloaded"), 1_010) in scene.machine.log
    assert scene.overs == 1


def test_a_machine_that_is_over_at_its_start_ends_at_once(scene) -> None:
    scene.machine.outcome = "interrupted"
    scene.start()
    assert scene.overs == 1
    scene.clock.run_until(2_000)
    assert scene.peer.closes == [(1000, 1_010)]
