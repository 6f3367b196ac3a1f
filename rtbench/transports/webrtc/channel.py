"""The data channel for events: aiortc's SCTP (RFC 8831, 8832) over our DTLS, without its tasks.

Leant on in aiortc, beside `RTCDataChannel`: that `RTCSctpTransport` asks its DTLS transport for
`state`, `_role`, `_send_data`, `_register_data_receiver` and `_unregister_data_receiver` and nothing
else; that it takes packets by `_handle_data` and gives messages to `_receive`; that these coroutines
never wait as long as `_send_data` does not; that it looks at `_remote_max_message_size` when a message
is handed to it; and that what has not left yet is in `_data_channel_queue` or `_outbound_queue`. Tests hold
all of it fast.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from aiortc import RTCDataChannel, RTCSctpTransport
from aiortc.rtcdatachannel import RTCDataChannelParameters
from aiortc.rtcsctptransport import (
    WEBRTC_BINARY,
    WEBRTC_BINARY_EMPTY,
    WEBRTC_STRING,
    WEBRTC_STRING_EMPTY,
    RTCSctpCapabilities,
)

LABEL = "oai-events"
"""What clients of the Realtime API call their channel."""

SCTP_PORT = 5000
"""Of our side; not a port of the machine (RFC 8841, 4.1)."""

MAX_MESSAGE_BYTES = 1 << 18
"""What we take in one message, as browsers do; aiortc's own limit."""

_WITH_DATA = (WEBRTC_STRING, WEBRTC_BINARY)
_EMPTY = (WEBRTC_STRING_EMPTY, WEBRTC_BINARY_EMPTY)
"""Payload protocols of messages (RFC 8831, 6.6): SCTP cannot carry nothing, so an empty one holds a zero byte."""


class Listener(Protocol):
    """What hears the data channel of one peer."""

    def on_channel_open(self) -> None:
        """Messages can be sent from now on."""

    def on_channel_message(self, message: bytes) -> None:
        """A text or binary message."""

    def on_channel_closed(self) -> None:
        """The other side closed the channel, or the association failed."""

    def on_message_too_big(self, size_bytes: int) -> None:
        """A message came that is longer than what we said we would take."""


class EventChannel:
    """One data channel, opened by us or by the other side, and the SCTP association under it."""

    def __init__(
        self,
        listener: Listener,
        *,
        is_dtls_client: bool,
        send: Callable[[bytes], None],
        remote_port: int,
        remote_max_message_bytes: int,
    ) -> None:
        self._listener = listener
        self._dtls = _DtlsStandIn(is_dtls_client, send)
        self._sctp = _Association(cast(Any, self._dtls), self)
        self._channel: RTCDataChannel | None = None
        self._remote_port = remote_port
        self._remote_max_message_bytes = remote_max_message_bytes
        self._over = False

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._channel is not None and self._channel.readyState == "open"

    @property
    def pending_bytes(self) -> int:
        """Messages that SCTP has not taken yet."""
        return self._channel.bufferedAmount if self._channel is not None else 0

    @property
    def has_unsent(self) -> bool:
        """Whether some of what was sent waits for the other side to take what came before it."""
        return bool(self._sctp._data_channel_queue or self._sctp._outbound_queue)

    def start(self, *, opens_channel: bool) -> None:
        """Begin the association; open our channel, or wait for the other side's."""
        if opens_channel:
            self._adopt(RTCDataChannel(self._sctp, RTCDataChannelParameters(label=LABEL)))
        else:
            self._sctp.on("datachannel", self._adopt)
        capabilities = RTCSctpCapabilities(maxMessageSize=self._remote_max_message_bytes)
        _run_through(self._sctp.start(capabilities, self._remote_port))

    def receive(self, packet: bytes) -> None:
        """An SCTP packet came; what cannot be read is dropped, as one with a bad checksum is."""
        if not self._over:
            try:
                _run_through(self._sctp._handle_data(packet))
            except (AssertionError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError):
                # aiortc takes a well-meaning peer for granted; DTLS says that it is our peer, not that it is right.
                self.on_closed()

    def send(self, message: bytes) -> None:
        """Send one text message; it leaves in the loop's next round. Raises ValueError where the peer takes none so long."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(message.decode())

    def send_regardless(self, message: bytes) -> None:
        """A fault on purpose: the same, as by a sender that heeds no limit of its peer's."""
        limit, self._sctp._remote_max_message_size = self._sctp._remote_max_message_size, 0
        try:
            self.send(message)
        finally:
            self._sctp._remote_max_message_size = limit

    def stop(self, *, says_goodbye: bool) -> None:
        """Abort the association; with a goodbye, the other side sees its channel close.

        Not to be called from the listener's methods.
        """
        self._over = True
        if not says_goodbye:
            self._dtls.detach()
        _run_through(self._sctp.stop())
        self._dtls.detach()

    def on_message(self, stream_id: int, message: bytes) -> None:
        """A message of any channel; ours counts."""
        channel = self._channel
        if channel is None or channel.id != stream_id:
            return
        if len(message) > MAX_MESSAGE_BYTES:
            self._listener.on_message_too_big(len(message))
        else:
            self._listener.on_channel_message(message)

    def on_closed(self) -> None:
        """The channel or its association came to an end that we did not ask for."""
        if not self._over:
            self._over = True
            self._listener.on_channel_closed()

    def _adopt(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return  # the API knows one channel; more of them stay without an answer
        self._channel = channel
        channel.on("close", self.on_closed)
        if channel.readyState == "open":
            self._listener.on_channel_open()
        else:
            channel.on("open", self._listener.on_channel_open)


class _Association(RTCSctpTransport):
    """aiortc's association; messages come as bytes, without a detour over text."""

    def __init__(self, dtls: Any, channel: EventChannel) -> None:
        super().__init__(dtls, port=SCTP_PORT)
        self._event_channel = channel

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        if pp_id in _WITH_DATA:
            self._event_channel.on_message(stream_id, data)
        elif pp_id in _EMPTY:
            self._event_channel.on_message(stream_id, b"")
        else:
            await super()._receive(stream_id, pp_id, data)


class _DtlsStandIn:
    """All that the association wants of a DTLS transport."""

    state = "connected"

    def __init__(self, is_client: bool, send: Callable[[bytes], None]) -> None:
        self._role = "client" if is_client else "server"
        self._send: Callable[[bytes], None] | None = send

    def detach(self) -> None:
        """What is sent from now on goes nowhere: a timer of the association may be late."""
        self._send = None

    async def _send_data(self, data: bytes) -> None:
        if self._send is not None:
            self._send(data)

    def _register_data_receiver(self, receiver: object) -> None:
        """Packets go to `EventChannel.receive`."""

    def _unregister_data_receiver(self, receiver: object) -> None:
        """See above."""


def _run_through(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, now."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("aiortc's SCTP waited for something")
