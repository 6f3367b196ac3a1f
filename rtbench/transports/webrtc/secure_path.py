"""ICE and DTLS of one peer together: from two descriptions to keys for media and a way for messages."""

from __future__ import annotations

import asyncio
from typing import Protocol

from rtbench.clock import monotonic_ns
from rtbench.transports.webrtc.certificate import process_certificate
from rtbench.transports.webrtc.description import RemoteDescription
from rtbench.transports.webrtc.dtls import Dtls
from rtbench.transports.webrtc.ice import IceConnection, is_usable
from rtbench.transports.webrtc.srtp import SrtpPair

_FIRST_MEDIA_BYTE = 128
"""From here on it is media, below it DTLS (RFC 7983, 7)."""

_EARLY_DATAGRAMS = 8
"""Kept until DTLS begins here: the other side may see the nomination first, and repeats its flight in a second only."""


class Listener(Protocol):
    """What hears the path of one peer."""

    def on_nominated(self, now_ns: int) -> None:
        """ICE found a way, DTLS begins."""

    def on_secured(self, srtp: SrtpPair, now_ns: int) -> None:
        """The handshake is done."""

    def on_media(self, datagram: bytes, arrival_ns: int) -> None:
        """RTP or RTCP, still encrypted."""

    def on_channel_packet(self, packet: bytes, arrival_ns: int) -> None:
        """SCTP, decrypted."""

    def on_round_trip(self, round_trip_ms: float, now_ns: int) -> None:
        """An ICE consent check was answered."""

    def on_goodbye(self, reason: str) -> None:
        """The other side closed DTLS."""

    def on_failed(self, error_class: str, reason: str) -> None:
        """The path did not come about, or broke: ice_failed, dtls_failed, or consent_expired."""


class SecurePath:
    """Listens to the sockets of one peer and drives its handshake, its timer included."""

    def __init__(
        self, ice: IceConnection, remote: RemoteDescription, listener: Listener, *, is_dtls_client: bool
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ice = ice
        self._remote = remote
        self._listener = listener
        self._dtls = Dtls(
            process_certificate(), remote.fingerprints, is_client=is_dtls_client, send=ice.send_now
        )
        self._search: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._early: list[tuple[bytes, int]] = []
        ice.listener = self
        self.send_media = ice.send_now
        """Puts an encrypted packet on the network, now."""

        self.send_channel_packet = self._dtls.send
        """Encrypts an SCTP packet and puts it on the network, now."""

    @property
    def is_dtls_client(self) -> bool:
        """Which end of DTLS this is; SCTP's streams are numbered by it."""
        return self._dtls.is_client

    @property
    def bytes_sent(self) -> int:
        """Payload of all datagrams sent."""
        return self._ice.bytes_sent

    @property
    def bytes_received(self) -> int:
        """Payload of all datagrams received."""
        return self._ice.bytes_received

    @property
    def last_arrival_ns(self) -> int:
        """When the last datagram came, of any kind."""
        return self._ice.last_arrival_ns

    def go_dark(self) -> None:
        """Let nothing through any more, in either direction, as a network that is gone."""
        self._ice.is_dark = True

    def is_silent(self, now_ns: int) -> bool:
        """Whether nothing has come for longer than a connection should be quiet."""
        return self._ice.is_silent(now_ns)

    def start(self) -> None:
        """Look for a way to the other side, in the background."""
        self._search = self._loop.create_task(self._connect())

    def read_in_batches(self) -> None:
        """The connection stands: what comes may wait for what comes to others."""
        self._ice.read_in_batches()

    def stop(self, *, says_goodbye: bool) -> None:
        """Send nothing more, after a goodbye where it is wanted; `release` gives the sockets back."""
        self._cancel_timer()
        if says_goodbye:
            self._dtls.close()
        else:
            self._dtls.fall_silent()

    async def release(self) -> None:
        """Close sockets and tasks."""
        if self._search is not None:
            self._search.cancel()
            await asyncio.wait([self._search])
        await self._ice.close()
        self._ice.listener = None

    def on_nominated(self, now_ns: int) -> None:
        """ICE found a way, or another one."""
        if self._dtls.state != "new":
            return
        self._listener.on_nominated(now_ns)
        self._dtls.start()
        for data, arrival_ns in self._early:
            self._take(data, arrival_ns)
        self._early.clear()
        self._arm_timer()

    def on_datagram(self, data: bytes, arrival_ns: int) -> None:
        """A datagram that is not STUN."""
        if data[0] >= _FIRST_MEDIA_BYTE:
            self._listener.on_media(data, arrival_ns)
        elif self._dtls.state != "new":
            self._take(data, arrival_ns)
        elif len(self._early) < _EARLY_DATAGRAMS:
            self._early.append((data, arrival_ns))

    def on_consent(self, round_trip_ms: float | None, now_ns: int) -> None:
        """The other side still wants our datagrams."""
        if round_trip_ms is not None:
            self._listener.on_round_trip(round_trip_ms, now_ns)

    def on_consent_expired(self, now_ns: int) -> None:
        """It does not answer any more."""
        self._listener.on_failed("consent_expired", "the peer vanished: its ICE consent expired")

    async def _connect(self) -> None:
        ice, remote = self._ice, self._remote
        ice.remote_username, ice.remote_password = remote.username, remote.password
        ice.remote_is_lite = remote.is_ice_lite
        usable = [candidate for candidate in remote.candidates if is_usable(candidate)]
        for candidate in usable:
            await ice.add_remote_candidate(candidate)
        # Where some are hidden or none is given, the other side's own checks will show where it is.
        if usable and len(usable) == len(remote.candidates):
            await ice.add_remote_candidate(None)
        try:
            await ice.connect()
        except ConnectionError:
            self._listener.on_failed("ice_failed", "no pair of addresses works")

    def _take(self, data: bytes, arrival_ns: int) -> None:
        dtls = self._dtls
        before = dtls.state
        packets = dtls.receive(data)
        if before == "connecting":
            self._arm_timer()
            if dtls.srtp is not None:
                self._listener.on_secured(dtls.srtp, monotonic_ns())
        for packet in packets:
            self._listener.on_channel_packet(packet, arrival_ns)
        if dtls.state == "failed":
            self._listener.on_failed("dtls_failed", dtls.failure)
        elif dtls.state == "closed" and before != "closed":
            self._listener.on_goodbye("the peer said goodbye")

    def _arm_timer(self) -> None:
        """Wait for the time to repeat the last flight."""
        self._cancel_timer()
        delay_s = self._dtls.timeout_s()
        if delay_s is not None:
            self._timer = self._loop.call_later(delay_s, self._repeat)

    def _repeat(self) -> None:
        self._dtls.handle_timeout()
        if self._dtls.state == "failed":
            self._listener.on_failed("dtls_failed", self._dtls.failure)
        else:
            self._arm_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
