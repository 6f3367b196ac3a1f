"""What is heard from a peer, and what it counts: the interface of WebRTC to those who use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias

from rtbench.transports.connection import Receiver
from rtbench.transports.webrtc.rtp import RtpPacket

ConnectionState: TypeAlias = Literal["new", "connecting", "connected", "disconnected", "failed", "closed"]
"""RTCPeerConnectionState of W3C's WebRTC, 4.3.3."""


class StateChange(NamedTuple):
    """A state, and when it began."""

    state: ConnectionState
    at_ns: int


class MediaReceiver(Receiver, Protocol):
    """What hears a peer: messages of the data channel, packets, states, and the end; one call at a time."""

    def on_packet(self, packet: RtpPacket, arrival_ns: int) -> None:
        """An audio packet, in the order of arrival, late ones included; duplicates are thrown away by SRTP.

        `arrival_ns` is when its datagram was read, before anything was looked at.
        """

    def on_state(self, state: ConnectionState, now_ns: int) -> None:
        """The connection's state changed; states before the receiver was made are in `Peer.states`."""


class RoundTrip(NamedTuple):
    """One measurement of the way there and back."""

    at_ns: int
    ms: float
    source: Literal["rtcp", "ice"]
    """By a receiver report (RFC 3550, 6.4.1: LSR and DLSR), or by an ICE consent check (RFC 7675)."""


class RemoteReport(NamedTuple):
    """What the other side said of the packets that it got from us (RFC 3550, 6.4.1)."""

    at_ns: int
    fraction_lost: float
    """Since its report before, 0 to 1 in steps of 1/256."""

    packets_lost: int
    """Since the beginning; duplicates make it smaller, even negative."""

    jitter_ms: float


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """Audio packets of one peer so far, both ways; bytes are RTP payload, without headers."""

    packets_sent: int
    bytes_sent: int
    packets_received: int
    bytes_received: int
    packets_lost: int
    """Expected less received, of what comes to us (RFC 3550, A.3)."""

    jitter_ms: float
    """Interarrival jitter of what comes to us (RFC 3550, A.8)."""

    packets_duplicated: int
    """Came a second time, and were thrown away."""

    packets_rejected: int
    """Forged, damaged, or of a payload type that was not negotiated."""

    remote_reports: tuple[RemoteReport, ...]
    round_trips: tuple[RoundTrip, ...]


class DatagramPath(Protocol):
    """A simulated network between a peer and its socket: every datagram both ways, ICE's included.

    It is made from two functions that finish the job, at once or later, or never: one that puts a
    datagram on the socket, one that hands it to the peer, where its arrival is stamped.
    """

    def send(self, datagram: Datagram) -> None:
        """A datagram is to leave."""

    def deliver(self, datagram: Datagram) -> None:
        """A datagram came."""


class Datagram(NamedTuple):
    """Bytes, and the address of the other end."""

    data: bytes
    address: tuple[str, int]


class RequestPath(Protocol):
    """A simulated network between a caller and the service's HTTP, for the requests of one call's beginning."""

    async def ask(self, size_bytes: int, *, secure: bool) -> None:
        """Returns when a request with so long a body may leave."""

    async def hear(self, size_bytes: int) -> None:
        """Returns when an answer of this length may be read."""


Forward: TypeAlias = Callable[[Datagram], None]
PathFactory: TypeAlias = Callable[[Forward, Forward], DatagramPath]
"""Makes the path of one socket from `to_socket` and `to_peer`."""
