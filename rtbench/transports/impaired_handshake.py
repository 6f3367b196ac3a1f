"""What it takes to get through a bad network before a connection stands: handshakes, and requests by HTTP.

The network is simulated, the connection real: the caller waits as long as the round trips would take,
and then does on the real network what they are for. Each connection is a stream of its own.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit

from rtbench.clock import NS_PER_MS, NS_PER_S, monotonic_ns
from rtbench.core.impairment import Network
from rtbench.transports.connection import ConnectError, Phase

SYN_BYTES = 14
"""A segment without content, of which the link adds the headers."""

HTTP_BYTES = 400
"""An upgrade request, and about as many in its answer; the same for the head of any request."""


class Handshake(NamedTuple):
    """How long the simulated network alone takes for each part of the way."""

    tcp_ms: float = 0.0
    tls_ms: float = 0.0
    upgrade_ms: float = 0.0

    @property
    def total_s(self) -> float:
        return (self.tcp_ms + self.tls_ms + self.upgrade_ms) / 1000


def handshake_ns(network: Network, now: int, *, secure: bool) -> tuple[int, int, int]:
    """When TCP, TLS and the upgrade's answer are there, begun now: a round trip each (TLS 1.3, RFC 8446, 2)."""
    tcp_ns, tls_ns = _secured_ns(network, now, secure=secure)
    return tcp_ns, tls_ns, _round_trip_ns(network, HTTP_BYTES, tls_ns)


async def shake_hands(network: Network, url: str, timeout_s: float) -> Handshake:
    """Wait until a WebSocket would stand, and say how long each part took.

    Raises ConnectError once `timeout_s` is over, as a client does that has no answer by then.
    """
    begun_ns = monotonic_ns()
    parts = urlsplit(url)
    ends_ns = handshake_ns(network, begun_ns, secure=parts.scheme in ("wss", "https"))
    deadline_ns = begun_ns + round(timeout_s * NS_PER_S)
    await _sleep_until(min(ends_ns[-1], deadline_ns))
    phases: tuple[Phase, ...] = ("tcp", "tls", "upgrade")
    for phase, end_ns in zip(phases, ends_ns, strict=True):
        if end_ns > deadline_ns:
            what = f"{parts.netloc}: {phase}: no answer within {timeout_s:g} s"
            raise ConnectError(phase, "connect_timeout", what)
    tcp_ns, tls_ns, open_ns = ends_ns
    return Handshake(*(ns / NS_PER_MS for ns in (tcp_ns - begun_ns, tls_ns - tcp_ns, open_ns - tls_ns)))


class ImpairedRequests:
    """Requests by HTTP over one connection behind the network (a `webrtc.RequestPath`)."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._stands = False

    async def ask(self, size_bytes: int, *, secure: bool) -> None:
        """Wait until a request with so long a body has come to the service; the first one makes the connection."""
        begin_ns = monotonic_ns()
        if not self._stands:
            self._stands = True
            _, begin_ns = _secured_ns(self._network, begin_ns, secure=secure)
        await _sleep_until(self._network.up.stream(size_bytes + HTTP_BYTES, begin_ns))

    async def hear(self, size_bytes: int) -> None:
        """Wait until an answer of this length has come back."""
        await _sleep_until(self._network.down.stream(size_bytes + HTTP_BYTES, monotonic_ns()))


def _secured_ns(network: Network, now: int, *, secure: bool) -> tuple[int, int]:
    network.begin_stream()
    tcp_ns = _round_trip_ns(network, SYN_BYTES, now)
    return tcp_ns, _round_trip_ns(network, HTTP_BYTES, tcp_ns) if secure else tcp_ns


def _round_trip_ns(network: Network, size_bytes: int, begin_ns: int) -> int:
    return network.down.stream(size_bytes, network.up.stream(size_bytes, begin_ns))


async def _sleep_until(due_ns: int) -> None:
    await asyncio.sleep(max(0, due_ns - monotonic_ns()) / NS_PER_S)
