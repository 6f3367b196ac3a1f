"""The contract of a connection, for every transport that has both ends."""

import asyncio

import pytest
import uvloop

from rtbench.clock import monotonic_ns
from rtbench.transports import TRANSPORTS
from rtbench.transports.connection import ConnectError, ConnectTimings
from rtbench.transports.memory import VirtualClock, memory_pair
from rtbench.transports.websocket import connect, serve


class Recorder:
    """A receiver that keeps what it hears; `echo` sends every message back."""

    def __init__(self, changed=lambda: None) -> None:
        self.messages: list[bytes] = []
        self.stamps: list[int] = []
        self.closes: list[tuple[int, str]] = []
        self.echo = None
        self._changed = changed

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        assert type(message) is bytes
        assert not self.closes
        self.messages.append(message)
        self.stamps.append(arrival_ns)
        if self.echo is not None:
            self.echo.send(message)
        self._changed()

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.closes.append((code, reason))
        self.stamps.append(now_ns)
        self._changed()


class MemoryLink:
    def __init__(self) -> None:
        self._clock = VirtualClock()
        self.near, self.far = memory_pair(self._clock, delay_ns=5)
        self.near_heard, self.far_heard = Recorder(), Recorder()
        self.near.attach(self.near_heard)
        self.far.attach(self.far_heard)

    def now(self) -> int:
        return self._clock.now

    def run_until(self, predicate) -> None:
        while not predicate():
            assert self._clock.run_next(), "nothing more will happen"

    def run_out(self) -> None:
        while self._clock.run_next():
            pass

    def stop(self) -> None:
        self.run_out()


class WebSocketLink:
    def __init__(self, loop_factory) -> None:
        self._runner = asyncio.Runner(loop_factory=loop_factory)
        self._runner.run(self._open())

    async def _open(self) -> None:
        self._changed = asyncio.Event()
        self.near_heard, self.far_heard = Recorder(self._changed.set), Recorder(self._changed.set)
        self._server = await serve(lambda path, headers: self._take_far)
        self.near, _ = await connect(f"ws://127.0.0.1:{self._server.port}/", lambda _: self.near_heard)

    def _take_far(self, connection) -> Recorder:
        self.far = connection
        return self.far_heard

    def now(self) -> int:
        return monotonic_ns()

    def run_until(self, predicate) -> None:
        async def wait() -> None:
            async with asyncio.timeout(10):
                while not predicate():
                    self._changed.clear()
                    await self._changed.wait()

        self._runner.run(wait())

    def run_out(self) -> None:
        async def wait() -> None:
            await asyncio.wait([self.near.lost, self.far.lost], timeout=10)

        self._runner.run(wait())

    def stop(self) -> None:
        self.near.abort()
        self._runner.run(self._server.close())
        self._runner.close()


@pytest.fixture(params=["memory", "websocket on asyncio", "websocket on uvloop"])
def link(request):
    if request.param == "memory":
        link = MemoryLink()
    else:
        link = WebSocketLink(uvloop.new_event_loop if "uvloop" in request.param else asyncio.new_event_loop)
    yield link
    link.stop()
    assert len(link.near_heard.closes) <= 1
    assert len(link.far_heard.closes) <= 1


def test_messages_arrive_whole_and_in_order_both_ways(link) -> None:
    link.far_heard.echo = link.far
    messages = [b"%d" % number * number for number in range(1, 200)]

    for message in messages:
        link.near.send(message)
    link.run_until(lambda: len(link.near_heard.messages) == len(messages))

    assert link.far_heard.messages == messages
    assert link.near_heard.messages == messages


def test_stamps_rise_and_lie_between_sending_and_hearing(link) -> None:
    before = link.now()
    for _ in range(20):
        link.near.send(b"tick")
    link.run_until(lambda: len(link.far_heard.messages) == 20)

    stamps = link.far_heard.stamps
    assert stamps == sorted(stamps)
    assert before <= stamps[0]
    assert stamps[-1] <= link.now()


def test_a_message_of_10_mib_arrives_unchanged(link) -> None:
    message = bytes(range(32, 127)) * (10 * 2**20 // 95)

    link.near.send(message)
    link.far.send(message)
    link.run_until(lambda: link.near_heard.messages and link.far_heard.messages)

    assert link.far_heard.messages == [message]
    assert link.near_heard.messages == [message]


@pytest.mark.parametrize("text", ["", "grüß Gott", "日本語", "\U0001f399 on"])
def test_text_of_any_script_arrives_as_utf8(link, text) -> None:
    link.near.send(text.encode())
    link.run_until(lambda: link.far_heard.messages)

    assert link.far_heard.messages[0].decode() == text


def test_bytes_are_counted_at_both_ends(link) -> None:
    sent, received = link.near.bytes_sent, link.far.bytes_received
    for _ in range(10):
        link.near.send(bytes(100))
    link.run_until(lambda: len(link.far_heard.messages) == 10)

    assert link.near.bytes_sent - sent >= 1_000
    assert link.near.bytes_sent - sent == link.far.bytes_received - received
    assert link.near.pending_bytes == 0


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "session expired"), (4000, "größer")])
@pytest.mark.parametrize("side", ["near", "far"])
def test_a_close_reaches_both_ends_with_its_code(link, side, code, reason) -> None:
    getattr(link, side).close(code, reason)
    link.run_until(lambda: link.near_heard.closes and link.far_heard.closes)

    assert link.near_heard.closes == [(code, reason)]
    assert link.far_heard.closes == [(code, reason)]


def test_messages_sent_before_a_close_arrive_before_it(link) -> None:
    link.near.send(b"last words")
    link.near.close()
    link.run_until(lambda: link.far_heard.closes)

    assert link.far_heard.messages == [b"last words"]


def test_messages_under_way_to_a_closing_end_still_arrive(link) -> None:
    link.far.send(b"under way")
    link.near.close()
    link.run_until(lambda: link.near_heard.closes)

    assert link.near_heard.messages == [b"under way"]


def test_both_ends_may_close_at_once(link) -> None:
    link.near.close(4001, "near")
    link.far.close(4002, "far")
    link.run_until(lambda: link.near_heard.closes and link.far_heard.closes)

    assert link.near_heard.closes == [(4002, "far")]
    assert link.far_heard.closes == [(4001, "near")]


@pytest.mark.parametrize("side", ["near", "far"])
def test_an_abort_is_1006_at_both_ends(link, side) -> None:
    getattr(link, side).abort()
    link.run_until(lambda: link.near_heard.closes and link.far_heard.closes)

    ((near_code, near_reason),) = link.near_heard.closes
    ((far_code, far_reason),) = link.far_heard.closes
    assert (near_code, far_code) == (1006, 1006)
    assert near_reason
    assert far_reason


def test_after_a_close_nothing_is_sent_and_the_end_is_told_once(link) -> None:
    link.near.close()
    link.near.send(b"too late")
    link.near.close(1011, "again")
    link.run_until(lambda: link.near_heard.closes and link.far_heard.closes)
    for end in (link.near, link.far):
        end.send(b"too late")
        end.close(1011, "again")
    link.run_out()
    for end in (link.near, link.far):
        end.send(b"too late")
        end.close()
        end.abort()
        assert end.pending_bytes == 0

    assert link.far_heard.messages == []
    assert link.near_heard.messages == []
    assert link.near_heard.closes == [(1000, "")]
    assert link.far_heard.closes == [(1000, "")]


def test_a_receiver_may_close_while_it_is_being_told(link) -> None:
    class Closer(Recorder):
        def on_message(self, message, arrival_ns) -> None:
            super().on_message(message, arrival_ns)
            link.far.close(1008, "enough")

    link.far.attach(closer := Closer())
    link.near.send(b"one")
    link.near.send(b"two")
    link.run_until(lambda: link.near_heard.closes)

    assert link.near_heard.closes == [(1008, "enough")]
    assert closer.messages[0] == b"one"


def test_every_named_transport_connects() -> None:
    assert {name: load() for name, load in TRANSPORTS.items()} == {"websocket": connect}


def test_the_total_time_to_connect_is_the_sum_of_its_phases() -> None:
    assert ConnectTimings(dns_ms=1.0, tcp_ms=2.0, tls_ms=4.0, upgrade_ms=8.0).total_ms == 15.0
    assert ConnectTimings(dns_ms=0.0, tcp_ms=2.0, tls_ms=None, upgrade_ms=8.0).total_ms == 10.0


def test_a_connect_error_names_phase_class_and_status() -> None:
    error = ConnectError("upgrade", "upgrade_401", "host:443: upgrade: refused", status=401)

    assert (error.phase, error.error_class, error.status) == ("upgrade", "upgrade_401", 401)
    assert str(error) == error.message == "host:443: upgrade: refused"
