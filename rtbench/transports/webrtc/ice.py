"""ICE (RFC 8445) by aioice, and the sockets under a peer: media goes around its queue, and may pass a simulated network.

Leant on in aioice, beside its documented methods: `StunProtocol` and `CandidatePair`, that `Connection`
calls the methods overridden here, and the private list `_protocols` of its sockets. Tests hold all of it fast.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from dataclasses import dataclass
from typing import Protocol, cast

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol, get_host_addresses
from aioice.stun import RETRY_RTO, TransactionError

from rtbench.clock import NS_PER_MS, NS_PER_S, monotonic_ns
from rtbench.transports.webrtc.batch_reader import Address
from rtbench.transports.webrtc.events import PathFactory
from rtbench.transports.webrtc.peer_socket import PeerSocket, bound_socket

LOOPBACK = "127.0.0.1"

_FIRST_RETRANSMISSION_NS = int(RETRY_RTO * NS_PER_S)


@dataclass(frozen=True, slots=True)
class ConsentPace:
    """How often the peer is asked whether it still wants our datagrams (RFC 7675, 5.1)."""

    interval_s: float = 5.0
    """Varied by a fifth both ways."""

    expiry_s: float = 30.0
    """Without an answer for so long, the peer is gone."""

    silence_s: float = 5.0
    """Without any datagram for so long, the connection counts as interrupted."""


class Listener(Protocol):
    """What hears the sockets of one peer."""

    def on_datagram(self, data: bytes, arrival_ns: int) -> None:
        """DTLS or media; never STUN."""

    def on_nominated(self, now_ns: int) -> None:
        """A pair of addresses was nominated; called again where the other side chose another one."""

    def on_consent(self, round_trip_ms: float | None, now_ns: int) -> None:
        """A consent check was answered (None: answered late, so the round trip is not known)."""

    def on_consent_expired(self, now_ns: int) -> None:
        """The peer is gone, and nothing may be sent to it any more."""


class IceConnection(Connection):
    """One component, host candidates, no servers; `selected` is where datagrams go."""

    def __init__(
        self,
        *,
        is_controlling: bool,
        addresses: tuple[str, ...],
        consent: ConsentPace,
        path: PathFactory | None,
    ) -> None:
        super().__init__(ice_controlling=is_controlling)
        self.listener: Listener | None = None
        """Set before `connect()`; nothing but STUN is of use before."""

        self.bytes_sent = 0
        self.bytes_received = 0
        self.last_arrival_ns = monotonic_ns()
        """When the last datagram came, of any kind."""

        self.is_dark = False
        """A fault on purpose: nothing leaves and nothing is heard, consent checks neither."""

        self._addresses = addresses
        self._consent = consent
        self._path = path
        self._selected: CandidatePair | None = None
        self._way: tuple[PeerSocket, Address] | None = None
        """The same, as every packet needs it."""

    @property
    def is_connected(self) -> bool:
        """Whether a pair of addresses was nominated."""
        return self._selected is not None

    def is_silent(self, now_ns: int) -> bool:
        """Whether nothing has come for longer than a connection should be quiet."""
        return now_ns - self.last_arrival_ns > self._consent.silence_s * NS_PER_S

    def send_now(self, data: bytes) -> None:
        """Send a datagram to the peer; it has left when this returns. Lost where there is no way yet."""
        way = self._way
        if way is not None:
            way[0].send_datagram(data, way[1])

    def read_in_batches(self) -> None:
        """The connection stands, and nobody waits for single datagrams of it any more."""
        if self._way is not None:
            self._way[0].read_in_batches()

    def take(self, data: bytes, arrival_ns: int) -> None:
        """A datagram came that is none of ICE's."""
        if self.listener is not None:
            self.listener.on_datagram(data, arrival_ns)

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[Candidate]:
        """Override: a socket for each address that was asked for, aioice's own choice where none was."""
        protocols: list[StunProtocol] = []
        for number, address in enumerate(self._addresses or addresses):
            try:
                sock = bound_socket(address)
            except OSError:
                continue  # an address that just went away, or a link-local one
            protocol = PeerSocket(self, sock, self._path)
            protocol.local_candidate = _host_candidate(component, sock, number)
            protocols.append(protocol)
        self._protocols += protocols
        return [protocol.local_candidate for protocol in protocols]

    def check_complete(self, pair: CandidatePair) -> None:
        """Override: remember the nominated pair; the last one counts, as aioice has it."""
        nominated = pair.state is CandidatePair.State.SUCCEEDED and pair.nominated
        if nominated:
            self._selected = pair
            self._way = (cast(PeerSocket, pair.protocol), pair.remote_addr)
        super().check_complete(pair)
        if nominated and self.listener is not None:
            self.listener.on_nominated(monotonic_ns())

    def data_received(self, data: bytes, component: int) -> None:
        """Override: nothing is queued; what comes here looked like STUN and was not."""

    async def query_consent(self) -> None:
        """Override: aioice's checks measure nothing, and give up only by closing."""
        listener = self.listener
        if listener is None:  # closed in the very round in which it came to stand
            return
        assert self.remote_password is not None
        key = self.remote_password.encode()
        pace = self._consent
        granted_ns = monotonic_ns()
        while (pair := self._selected) is not None:
            await asyncio.sleep(pace.interval_s * random.uniform(0.8, 1.2))
            sent_ns = monotonic_ns()
            left_s = pace.expiry_s - (sent_ns - granted_ns) / NS_PER_S
            request = self.build_request(pair, nominate=False)
            sock = cast(PeerSocket, pair.protocol)
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    # Sent again after 0.5 and 1.5 s: a satellite's answer is awaited, too.
                    await sock.request(request, pair.remote_addr, integrity_key=key, retransmissions=2)
            except TransactionError:
                continue
            except TimeoutError:
                listener.on_consent_expired(monotonic_ns())
                return
            else:
                granted_ns = sock.answered_ns
                elapsed_ns = granted_ns - sent_ns
                # After a retransmission nobody knows which of the two was answered (Karn). Kernels stamp by the wall
                # clock; one that was set back meanwhile has the answer come before its question.
                known = 0 <= elapsed_ns < _FIRST_RETRANSMISSION_NS
                listener.on_consent(elapsed_ns / NS_PER_MS if known else None, granted_ns)

    async def close(self) -> None:
        """Close sockets and tasks; nothing more is heard."""
        self._selected = self._way = None
        await super().close()


def addresses_for(host: str) -> tuple[str, ...]:
    """Where media is bound to, for a service or a listener at `host`; empty means: all that aioice finds.

    Loopback stays on loopback; a wildcard takes loopback beside all others, which aioice leaves out.
    """
    if host in ("localhost", ""):
        return (LOOPBACK,)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ()
    if address.is_loopback:
        return (str(address),)
    if address.is_unspecified:
        return (*get_host_addresses(use_ipv4=True, use_ipv6=address.version == 6), LOOPBACK)
    return ()


def is_usable(candidate: Candidate) -> bool:
    """Whether we can send checks to a candidate of the other side.

    A name ending in `.local` hides a browser's address (mDNS): it is not looked up, as that would ask
    the local network and may take a second; the browser's own checks tell its address just as well.
    """
    return candidate.transport.lower() == "udp" and not candidate.host.endswith(".local")


def _host_candidate(component: int, sock: socket.socket, number: int) -> Candidate:
    """The n-th address's candidate: earlier addresses are preferred (RFC 8445, 5.1.2.1)."""
    address, port = sock.getsockname()[:2]
    return Candidate(
        foundation=candidate_foundation("host", "udp", address),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host", 65535 - number),
        host=address,
        port=port,
        type="host",
    )
