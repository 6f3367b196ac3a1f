"""The asyncio end of one WebSocket connection: bytes in, stamped messages out; the same for both sides.

Order within one callback: stamp, parse, answer pings and closes. Messages, then the close, are handed over by
the inbox that many connections share, or by `catch_up`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State

from rtbench.clock import monotonic_ns
from rtbench.transports.connection import ABNORMAL_CLOSURE, Receiver
from rtbench.transports.websocket.inbox import Inbox

MAX_MESSAGE_BYTES = 16 * 2**20
"""The API's largest message is an append of 15 MiB."""

CLOSE_TIMEOUT_S = 1.0
"""How long a peer may take to finish the closing handshake before the connection is cut."""

MAX_REASON_BYTES = 123
"""A close frame holds 125 bytes, two of them the code (RFC 6455, 5.5 and 5.5.1)."""

MOST_WAITING = 128
"""Of the messages of one connection: with more the peer has to wait, as TCP makes it."""

LOGGER = logging.Logger("rtbench.transports.websocket", logging.WARNING)
"""Outside the tree of loggers: at DEBUG `websockets` prints headers, the API key among them, and payloads."""


class WebSocketShell(asyncio.Protocol, ABC):
    """A `Connection` over an asyncio transport; its two subclasses know how the opening handshake goes."""

    def __init__(self, protocol: Protocol, frame: Callable[[bytes], bytes], inbox: Inbox) -> None:
        """`frame` makes a message one whole text frame of this side's."""
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the transport is gone."""

        self.bytes_sent = 0
        self.bytes_received = 0
        self._protocol = protocol
        self._frame = frame
        self._inbox = inbox
        self._waiting: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_paused = False
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._fragments: list[bytes] = []
        self._close_requested = False
        self._close_timer: asyncio.TimerHandle | None = None
        self._on_pong: Callable[[int], None] | None = None

    @abstractmethod
    def handshake_event(self, event: Request | Response, arrival_ns: int) -> None:
        """The peer's half of the opening handshake came."""

    @abstractmethod
    def handshake_failed(self, exc: Exception) -> None:
        """There was no valid opening handshake, and the transport is going away."""

    @property
    def pending_bytes(self) -> int:
        """See `Connection`."""
        transport = self._transport
        return 0 if transport is None else transport.get_write_buffer_size()

    def send(self, message: bytes) -> None:
        """See `Connection`."""
        transport = self._transport
        if self._protocol.state is not State.OPEN or transport is None or transport.is_closing():
            return
        # Past the protocol, whose state a whole message does not change, and which frames at four times the cost.
        frame = self._frame(message)
        self.bytes_sent += len(frame)
        transport.write(frame)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """See `Connection`; a reason is cut to what a close frame can hold."""
        if self._protocol.state is State.OPEN:
            self._close_requested = True
            reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
            self._protocol.send_close(code, reason)
            self._flush()
            self._expect_end()

    def abort(self) -> None:
        """See `Connection`."""
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """Cut the connection by a TCP reset, so that the peer's kernel is told of an error."""
        if self._transport is not None:
            linger = struct.pack("ii", 1, 0)  # on, for no time: close(2) then resets (RFC 9293, 3.10.4)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.abort()

    def ping(self, answered: Callable[[int], None]) -> None:
        """Ask for a sign of life; `answered` is called with the instant at which one came."""
        if self._protocol.state is State.OPEN:
            self._on_pong = answered
            self._protocol.send_ping(b"")
            self._flush()

    def attach(self, receiver: Receiver) -> None:
        """Hand messages to this receiver from now on."""
        self._receiver = receiver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the transport stands."""
        self._transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("ssl_object") is None:
            # uvloop gathers writes until all that came in the meantime is dealt with, unless its buffer is full: so
            # it is. Over TLS they are still gathered: there such a limit has even an empty buffer count as full.
            self._transport.set_write_buffer_limits(high=0)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        arrival_ns = monotonic_ns()
        self.bytes_received += len(data)
        self._protocol.receive_data(data)
        self._dispatch(arrival_ns)

    def eof_received(self) -> None:
        """asyncio: the peer will send nothing more; the transport is closed when what is pending has left."""
        arrival_ns = monotonic_ns()
        self._protocol.receive_eof()
        self._dispatch(arrival_ns)
        self._expect_end()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the transport is gone."""
        now_ns = monotonic_ns()
        self._protocol.receive_eof()
        self._dispatch(now_ns)
        if self._close_timer is not None:
            self._close_timer.cancel()
        seen = "the peer did not answer the close" if self._close_requested else "the connection was lost"
        self._end(ABNORMAL_CLOSURE, str(exc or seen), now_ns)
        self._transport = None
        self._put(now_ns, self.lost.set_result, None)

    def catch_up(self) -> None:
        """Hand over at once what has arrived: whoever goes by the clock must not be told of the past afterwards."""
        while self._waiting:
            self.take_next()

    def take_next(self) -> None:
        """The inbox: hand over the oldest of what has arrived."""
        if not self._waiting:
            return
        take, arrived = self._waiting.popleft()
        if self._is_paused and not self._waiting and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        take(*arrived)

    def _put(self, arrival_ns: int, take: Callable[..., None], *arrived: Any) -> None:
        self._waiting.append((take, arrived))
        self._inbox.put(self, arrival_ns)
        if len(self._waiting) > MOST_WAITING and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def _dispatch(self, arrival_ns: int) -> None:
        self._flush()
        protocol = self._protocol
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._hand_over(event, arrival_ns)
            else:
                self.handshake_event(event, arrival_ns)
        if protocol.state is not State.OPEN:
            self._wind_up(arrival_ns)

    def _hand_over(self, frame: Frame, arrival_ns: int) -> None:
        if frame.opcode not in DATA_OPCODES:
            if frame.opcode is Opcode.PONG and self._on_pong is not None:
                self._put(arrival_ns, self._on_pong, arrival_ns)
            return
        message = bytes(frame.data)
        if not frame.fin:
            self._fragments.append(message)
            return
        if self._fragments:
            message = b"".join((*self._fragments, message))
            self._fragments.clear()
        if self._receiver is not None:
            self._put(arrival_ns, self._receiver.on_message, message, arrival_ns)

    def _wind_up(self, now_ns: int) -> None:
        protocol = self._protocol
        if protocol.handshake_exc is not None:
            self.handshake_failed(protocol.handshake_exc)
            return
        received, sent = protocol.close_rcvd, protocol.close_sent
        if received is not None:
            self._end(received.code, received.reason, now_ns)
        elif sent is not None and not self._close_requested:
            # We failed the connection ourselves (RFC 6455, 7.1.7): the peer broke a rule.
            self._end(ABNORMAL_CLOSURE, f"closed from here with {sent.code}: {sent.reason}", now_ns)
        if protocol.close_expected():
            self._expect_end()

    def _end(self, code: int, reason: str, now_ns: int) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            self._put(now_ns, receiver.on_close, code, reason, now_ns)

    def _expect_end(self) -> None:
        if self._close_timer is None:
            self._close_timer = self._loop.call_later(CLOSE_TIMEOUT_S, self.abort)

    def _flush(self) -> None:
        transport = self._transport
        for data in self._protocol.data_to_send():
            if transport is None or transport.is_closing():
                return
            if data:
                self.bytes_sent += len(data)
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                # TLS knows no half-closed connection.
                transport.close()
