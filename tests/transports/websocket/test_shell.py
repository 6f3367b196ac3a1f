import asyncio
import itertools

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from rtbench.transports.websocket import shell as shell_module
from rtbench.transports.websocket.framing import Masking
from rtbench.transports.websocket.shell import LOGGER, MAX_MESSAGE_BYTES, MOST_WAITING, WebSocketShell


class Recorder:
    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.heard.append((message, arrival_ns))

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.heard.append((code, reason, now_ns))


class Wire:
    """A transport that keeps what is written, and is lost when it is aborted."""

    gathers_bytes = 65_536
    reading = True

    def __init__(self, half_closes: bool = True, tls: object = None) -> None:
        self.shell: WebSocketShell
        self.written: list[bytes] = []
        self.ended = False
        self._half_closes = half_closes
        self._tls = tls

    def get_extra_info(self, name: str):
        return self._tls if name == "ssl_object" else self

    def setsockopt(self, *option: int) -> None:
        self.options = option

    def set_write_buffer_limits(self, high: int) -> None:
        self.gathers_bytes = high

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def can_write_eof(self) -> bool:
        return self._half_closes

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.ended = True
        self.shell.connection_lost(None)

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.written))

    def frames(self) -> list[Opcode]:
        return [Opcode(data[0] & 0x0F) for data in self.written]


class ImmediateInbox:
    """Lets nothing wait."""

    def put(self, recipient: WebSocketShell, arrival_ns: int) -> None:
        recipient.take_next()


class PatientInbox:
    """Lets everything wait until it is asked for."""

    def __init__(self) -> None:
        self.waiting: list[WebSocketShell] = []

    def put(self, recipient: WebSocketShell, arrival_ns: int) -> None:
        self.waiting.append(recipient)


class OpenShell(WebSocketShell):
    """A shell whose opening handshake is over."""

    def handshake_event(self, event, arrival_ns) -> None:
        raise AssertionError("the handshake is over")

    def handshake_failed(self, exc) -> None:
        raise AssertionError("the handshake is over")


@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(autouse=True)
def ticks(monkeypatch):
    """Every reading of the clock is one more than the last."""
    counter = itertools.count(1)
    monkeypatch.setattr(shell_module, "monotonic_ns", lambda: next(counter))


def opened(loop, protocol=None, wire=None, inbox=None) -> tuple[WebSocketShell, Wire, Recorder]:
    if protocol is None:
        protocol = ClientProtocol(
            parse_uri("ws://host/"), state=State.OPEN, max_size=MAX_MESSAGE_BYTES, logger=LOGGER
        )
    wire = wire or Wire()

    async def make() -> WebSocketShell:
        return OpenShell(protocol, Masking().text, inbox or ImmediateInbox())

    shell = wire.shell = loop.run(make())
    shell.connection_made(wire)
    shell.attach(recorder := Recorder())
    return shell, wire, recorder


def text(data: bytes, fin: bool = True) -> bytes:
    return Frame(Opcode.TEXT, data, fin).serialize(mask=False)


def frame(opcode: Opcode, data: bytes = b"", fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def in_loop(loop, call, *args) -> None:
    async def run() -> None:
        call(*args)

    loop.run(run())


def test_messages_of_one_chunk_share_its_stamp(loop) -> None:
    shell, _, recorder = opened(loop)

    shell.data_received(text(b"one") + text(b"two"))
    shell.data_received(text(b"three"))

    assert recorder.heard == [(b"one", 1), (b"two", 1), (b"three", 2)]


def test_a_message_is_stamped_when_its_last_byte_comes(loop) -> None:
    shell, _, recorder = opened(loop)

    for byte in text(b"slow"):
        shell.data_received(bytes([byte]))

    assert recorder.heard == [(b"slow", len(text(b"slow")))]


def test_fragments_become_one_message_though_pings_come_between(loop) -> None:
    shell, wire, recorder = opened(loop)

    shell.data_received(text(b"", fin=False))
    shell.data_received(frame(Opcode.CONT, b"one ", fin=False) + frame(Opcode.PING, b"alive?"))
    shell.data_received(frame(Opcode.CONT, b"message") + text(b"next"))

    assert recorder.heard == [(b"one message", 3), (b"next", 3)]
    assert wire.frames() == [Opcode.PONG]


def test_a_ping_is_answered_before_the_messages_of_its_chunk_are_looked_at(loop) -> None:
    shell, wire, _ = opened(loop)
    seen = []

    class Looker(Recorder):
        def on_message(self, message, arrival_ns) -> None:
            seen.append(wire.frames())

    shell.attach(Looker())
    shell.data_received(text(b"one") + frame(Opcode.PING, b"alive?"))

    assert seen == [[Opcode.PONG]]


def test_pongs_are_not_messages_and_binary_messages_are(loop) -> None:
    shell, _, recorder = opened(loop)

    shell.data_received(frame(Opcode.PONG) + frame(Opcode.BINARY, b"\xff\x00"))

    assert recorder.heard == [(b"\xff\x00", 1)]


def test_bytes_are_counted_with_their_framing(loop) -> None:
    shell, wire, _ = opened(loop)

    shell.data_received(text(b"four"))
    shell.send(b"four")

    assert shell.bytes_received == 2 + 4
    assert shell.bytes_sent == 2 + 4 + 4  # a client's mask
    assert shell.pending_bytes == shell.bytes_sent
    wire.abort()
    assert shell.pending_bytes == 0


def test_nagles_algorithm_is_switched_off(loop) -> None:
    _, wire, _ = opened(loop)

    assert wire.options == (6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY, on


def test_nothing_is_gathered_but_over_tls_whose_buffer_would_then_never_count_as_empty(loop) -> None:
    _, plain, _ = opened(loop)
    _, secure, _ = opened(loop, wire=Wire(tls=object()))

    assert (plain.gathers_bytes, secure.gathers_bytes) == (0, 65_536)


def test_a_close_frame_is_answered_and_told_at_once_with_its_stamp(loop) -> None:
    shell, wire, recorder = opened(loop)

    in_loop(loop, shell.data_received, frame(Opcode.CLOSE, Close(1012, "restart").serialize()))

    assert wire.frames() == [Opcode.CLOSE]
    assert recorder.heard == [(1012, "restart", 1)]


def test_a_close_frame_without_a_code_is_1005(loop) -> None:
    shell, _, recorder = opened(loop)

    in_loop(loop, shell.data_received, frame(Opcode.CLOSE))

    assert recorder.heard == [(1005, "", 1)]


def test_a_reason_too_long_for_a_close_frame_is_cut_between_characters(loop) -> None:
    shell, wire, _ = opened(loop, ServerProtocol(state=State.OPEN, logger=LOGGER))

    in_loop(loop, shell.close, 4000, "ü" * 100)

    assert wire.written[0][2:] == Close(4000, "ü" * 61).serialize()


def test_a_peer_that_does_not_answer_the_close_is_cut_off(loop, monkeypatch) -> None:
    monkeypatch.setattr(shell_module, "CLOSE_TIMEOUT_S", 0.0)
    shell, _, recorder = opened(loop)

    async def run() -> None:
        shell.close()
        await shell.lost

    loop.run(run())

    assert recorder.heard == [(1006, "the peer did not answer the close", 1)]


def test_a_peer_that_keeps_the_line_open_after_the_close_is_cut_off(loop, monkeypatch) -> None:
    monkeypatch.setattr(shell_module, "CLOSE_TIMEOUT_S", 0.0)
    shell, wire, recorder = opened(loop)

    async def run() -> None:
        shell.data_received(frame(Opcode.CLOSE, Close(1000, "").serialize()))
        await shell.lost

    loop.run(run())

    assert wire.ended
    assert recorder.heard == [(1000, "", 1)]


def test_the_end_of_the_stream_without_a_close_frame_is_a_loss(loop) -> None:
    shell, wire, recorder = opened(loop)

    in_loop(loop, shell.eof_received)
    wire.abort()

    assert recorder.heard == [(1006, "the connection was lost", 2)]


def test_a_loss_is_told_in_the_systems_words(loop) -> None:
    shell, _, recorder = opened(loop)

    shell.connection_lost(ConnectionResetError(104, "Connection reset by peer"))

    assert recorder.heard == [(1006, "[Errno 104] Connection reset by peer", 1)]


@pytest.mark.parametrize(
    ("offence", "code"),
    [
        (b"\xc1\x00", 1002),  # a reserved bit without an extension
        (b"\x81\x81\x00\x00\x00\x00x", 1002),  # a server must not mask
        (frame(Opcode.CONT, b"of nothing"), 1002),
        (b"\x81\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"), 1009),
    ],
)
def test_a_peer_that_breaks_the_rules_is_closed_from_here(loop, offence, code) -> None:
    shell, wire, recorder = opened(loop)

    in_loop(loop, shell.data_received, text(b"fine") + offence)

    assert wire.frames() == [Opcode.CLOSE]
    message, (close_code, reason, now_ns) = recorder.heard
    assert message == (b"fine", 1)
    assert (close_code, now_ns) == (1006, 1)
    assert reason.startswith(f"closed from here with {code}: ")


def test_over_tls_the_server_closes_where_it_cannot_half_close(loop) -> None:
    server = ServerProtocol(state=State.OPEN, logger=LOGGER)
    shell, wire, recorder = opened(loop, server, Wire(half_closes=False))
    closing = Frame(Opcode.CLOSE, Close(1000, "").serialize()).serialize(mask=True)

    in_loop(loop, shell.data_received, closing)

    assert wire.ended
    assert recorder.heard == [(1000, "", 1)]


def test_after_the_loss_nothing_is_told_or_written(loop) -> None:
    shell, wire, recorder = opened(loop)
    shell.connection_lost(None)
    recorder.heard.clear()

    shell.send(b"too late")
    shell.close()

    assert wire.written == []
    assert recorder.heard == []


def test_messages_wait_for_their_turn_and_keep_the_stamp_of_their_arrival(loop) -> None:
    shell, _, recorder = opened(loop, inbox=(inbox := PatientInbox()))

    shell.data_received(text(b"one"))
    shell.data_received(text(b"two"))
    assert recorder.heard == []
    inbox.waiting[0].take_next()

    assert recorder.heard == [(b"one", 1)]


def test_the_loss_and_the_answer_to_a_ping_wait_behind_the_messages_before_them(loop) -> None:
    shell, wire, recorder = opened(loop, inbox=PatientInbox())
    in_loop(loop, shell.ping, lambda at_ns: recorder.heard.append(("pong", at_ns)))
    shell.data_received(text(b"one") + frame(Opcode.PONG))
    wire.abort()
    assert (recorder.heard, shell.lost.done()) == ([], False)

    shell.catch_up()

    assert recorder.heard == [(b"one", 1), ("pong", 1), (1006, "the connection was lost", 2)]
    assert shell.lost.done()


def test_a_turn_whose_message_was_asked_for_before_is_passed_over(loop) -> None:
    shell, _, recorder = opened(loop, inbox=(inbox := PatientInbox()))
    shell.data_received(text(b"one"))
    shell.catch_up()

    inbox.waiting[0].take_next()

    assert recorder.heard == [(b"one", 1)]


def test_a_peer_waits_while_much_of_what_it_said_does(loop) -> None:
    shell, wire, recorder = opened(loop, inbox=PatientInbox())

    for _ in range(MOST_WAITING):
        shell.data_received(text(b"more"))
    assert wire.reading
    shell.data_received(text(b"too much"))
    assert not wire.reading
    shell.catch_up()

    assert wire.reading
    assert len(recorder.heard) == MOST_WAITING + 1
