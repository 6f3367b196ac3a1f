"""What a transport is: one connection that carries text messages both ways, and what hears them.

A transport is a module with `connect()` (see `Connect`) and `serve()` for the other end. Messages
arrive by a synchronous call from the transport's own callback: no task, no queue, and the stamp is
taken before anything is parsed.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

ABNORMAL_CLOSURE = 1006
"""Close code of a connection that ended without a close frame (RFC 6455, 7.1.5)."""


class Receiver(Protocol):
    """What hears a connection. Calls come one at a time, in the order of arrival."""

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        """A message, its UTF-8 not yet validated; `arrival_ns` is when its last byte reached this process."""

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        """The connection ended; called exactly once, after the last message.

        `code` and `reason` are the peer's, in answer to our own close as well. Where no close frame
        came the code is 1006, and the reason says what was seen from here.
        """


class Connection(Protocol):
    """One end of an open connection."""

    @property
    def pending_bytes(self) -> int:
        """What was sent, but has not left this process yet."""

    @property
    def bytes_sent(self) -> int:
        """All bytes handed to the network so far, framing and upgrade included, TLS not."""

    @property
    def bytes_received(self) -> int:
        """All bytes that came from the network so far, framing and upgrade included, TLS not."""

    def send(self, message: bytes) -> None:
        """Send one text message (UTF-8) at once. Never blocks; does nothing once the connection is closing."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake; messages that are under way still arrive. Does nothing the second time."""

    def abort(self) -> None:
        """Cut the connection without a word: both ends see 1006."""


ReceiverFactory: TypeAlias = Callable[[Connection], Receiver]
"""Called once, when the connection stands and before its first message is handed over."""

Phase: TypeAlias = Literal["dns", "tcp", "tls", "upgrade", "key", "sdp", "ice", "dtls", "channel", "hangup"]
"""A WebSocket's way goes up to `upgrade`; a WebRTC call asks for a key, exchanges SDP, and then connects its media."""


@dataclass(frozen=True, slots=True)
class ConnectTimings:
    """How long each phase of connecting took; they follow each other without gaps."""

    dns_ms: float
    """Zero where the URL names an address."""

    tcp_ms: float
    tls_ms: float | None
    """None without TLS."""

    upgrade_ms: float
    """From the upgrade request to the arrival of its answer."""

    @property
    def total_ms(self) -> float:
        """From the call of `connect()` to the arrival of the upgrade's answer."""
        return self.dns_ms + self.tcp_ms + (self.tls_ms or 0.0) + self.upgrade_ms


class ConnectError(Exception):
    """No connection came about.

    `error_class` is one of dns_failure, connect_refused, connect_timeout (in any phase),
    connect_failed (the network, or no file descriptor left), tls_failure, upgrade_<status>,
    upgrade_invalid (the answer was no upgrade at all), connection_lost; over WebRTC also
    key_<status>, key_invalid, sdp_<status>, sdp_invalid, ice_failed, dtls_failed, channel_failed.
    """

    def __init__(self, phase: Phase, error_class: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.phase = phase
        self.error_class = error_class
        self.message = message
        self.status = status
        """HTTP status of a refusal."""

        self.retry_after_s: float | None = None
        """When the service asks to come back, in seconds from now (`Retry-After`, RFC 9110, 10.2.3)."""


def read_retry_after(header: str | None) -> float | None:
    """A `Retry-After` header in seconds; None where there is none, or a date, which needs the peer's clock."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


class Connect(Protocol):
    """Opens a connection to a service; the shape of every transport's `connect`."""

    async def __call__(
        self,
        url: str,
        receiver_factory: ReceiverFactory,
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        timeout_s: float = 10.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> tuple[Connection, ConnectTimings]:
        """Connect within `timeout_s`, or raise ConnectError."""
