"""A line over WebRTC: key, SDP, media and data channel, and beside them a sideband where the scenario wants one.

It is the peer's receiver: packets pass through it to the call, and what the network did to them is
noted on the way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.impairment import Network as Simulation
from rtbench.core.network import Network, NetworkWatch
from rtbench.core.rtp import Media, Packet
from rtbench.core.sessions import Session
from rtbench.core.streamed_voice import StreamedVoice
from rtbench.engine.line import CONNECT_TIMEOUT_S, SimulatedNetwork, open_websocket
from rtbench.engine.plan import Plan
from rtbench.transports import websocket
from rtbench.transports.connection import ConnectError, Connection, Receiver, ReceiverFactory
from rtbench.transports.impaired import Alarms, ImpairedPath
from rtbench.transports.impaired_handshake import ImpairedRequests
from rtbench.transports.webrtc import (
    ConnectionState,
    Peer,
    PeerStatistics,
    RtpPacket,
    connect,
    decoder,
    hang_up,
)
from rtbench.transports.webrtc.events import Datagram, PathFactory

LEAVE_TIMEOUT_S = 2.0
"""For the hang-up's answer; a service that does not give one hears the goodbye of the peer all the same."""


SIGN_OF_LIFE_NS = 2_000 * NS_PER_MS
"""A peer reports every 0.5 to 1.5 s (RFC 3550, 6.2); from which nothing has come for longer is not there."""


class MediaUser(Protocol):
    """The call, as a line of media sees it."""

    def open_media(self, media: Media) -> StreamedVoice:
        """The stream stands; where the agent's voice is heard."""

    def on_message(self, message: bytes, arrival_ns: int) -> None: ...

    def on_packet(self, packet: Packet, arrival_ns: int) -> None: ...

    def on_close(self, code: int, reason: str, now_ns: int) -> None: ...


class WebRtcLine:
    """One call's way over WebRTC; see `line.Line`."""

    def __init__(
        self,
        plan: Plan,
        call: MediaUser,
        alarms: Alarms | None = None,
        network: Simulation | None = None,
        inbox: websocket.Inbox | None = None,
    ) -> None:
        """`network` lies between the two ends, on `alarms`; None is the real one alone. `inbox` is a sideband's."""
        self._inbox = inbox
        self._plan = plan
        self._simulated: SimulatedNetwork | None = None
        self._path: PathFactory | None = None
        if alarms is not None and network is not None:
            self._simulated = simulated = SimulatedNetwork(network, alarms)
            self._path = partial(ImpairedPath[Datagram], network, alarms, simulated.error)
        self._call = call
        self._peer: Peer | None = None
        self._sideband: Connection | None = None
        self._voice: StreamedVoice | None = None
        self._watch: NetworkWatch | None = None
        self._begun_ns = 0
        self._first_rtp_ns: int | None = None

    async def dial(self, begin: ReceiverFactory, session: Session, model: str = "") -> None:
        """See `Line`."""
        target, dialect = self._plan.target, self._plan.dialect
        has_sideband = self._plan.scenario.control == "sideband"

        def stand(peer: Peer) -> WebRtcLine:
            self._peer = peer
            self._begun_ns = monotonic_ns()
            if not has_sideband:
                self._begin(begin, PeerConnection(peer), peer)
            return self

        peer, timings = await connect(
            target.base_url,
            stand,
            headers=target.headers(dialect),
            session={**self._plan.session, "model": model} if model else self._plan.session,
            codec=self._plan.scenario.codec,
            timeout_s=CONNECT_TIMEOUT_S,
            path=self._path,
            requests=None if self._simulated is None else ImpairedRequests(self._simulated.network),
            filtered=self._plan.scenario.webrtc_filter,
            sdp_mode=self._plan.scenario.webrtc_offer,
            credentials="client_secret" if self._plan.scenario.webrtc_offer == "raw" else "direct",
        )
        session.key_ms = timings.key_ms
        session.sdp_ms = timings.gather_ms + timings.sdp_ms
        session.ice_ms = timings.ice_ms
        session.dtls_ms = timings.dtls_ms
        session.channel_ms = timings.channel_ms
        if has_sideband:
            await self._join(begin, peer, session)

    async def _join(self, begin: ReceiverFactory, peer: Peer, session: Session) -> None:
        """Go on over a WebSocket of the call's; its way is noted as that of any WebSocket."""
        try:
            if peer.call_id is None:
                raise ConnectError("sdp", "sdp_invalid", "the service gave the call no name to join it by")

            def stand(connection: Connection) -> Receiver:
                self._sideband = connection
                return self._begin(begin, Sideband(connection, peer), peer)

            path = self._plan.dialect.sideband_path(peer.call_id)
            await open_websocket(self._plan, path, stand, session, self._simulated, self._inbox)
        except BaseException:
            peer.abort()
            raise

    def _begin(self, begin: ReceiverFactory, connection: Connection, peer: Peer) -> Receiver:
        receiver = begin(connection)
        self._voice = self._call.open_media(Media(peer.codec, partial(decoder, peer.codec)))
        if self._voice.reception is not None:
            alert = self._plan.scenario.network_alert.alert
            self._watch = NetworkWatch(alert, self._voice.reception, monotonic_ns())
        return receiver

    def microphone(self) -> Callable[[bytes], None]:
        """See `Line`: a frame is a packet, and 20 ms on the RTP clock."""
        assert self._peer is not None
        return PacketMicrophone(self._peer)

    async def leave(self, session: Session) -> None:
        """See `Line`: the service is told to hang up, and then the peer says goodbye.

        The hang-up goes past a simulated network: nothing of it is measured, and nobody waits for it.
        """
        if self._simulated is not None:
            self._simulated.note(session)
        peer = self._peer
        if peer is None:
            return
        self._note(session, peer)
        if peer.state == "connected":
            await self._hang_up(peer)
        if self._sideband is not None:
            self._sideband.close()
        peer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await peer.lost

    async def _hang_up(self, peer: Peer) -> None:
        target = self._plan.target
        if peer.call_id is None:
            return
        with contextlib.suppress(ConnectError):  # it may have hung up by itself
            await hang_up(
                target.base_url,
                peer.call_id,
                headers=target.headers(self._plan.dialect),
                timeout_s=LEAVE_TIMEOUT_S,
            )

    # The peer's receiver.

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        """The sideband, where there is one, has told it too."""
        if self._plan.scenario.control == "channel":
            self._call.on_message(message, arrival_ns)

    def on_packet(self, packet: RtpPacket, arrival_ns: int) -> None:
        peer = self._peer
        if peer is None or peer.codecs.get(packet.payload_type) is not peer.codec:
            return
        if self._first_rtp_ns is None:
            self._first_rtp_ns = arrival_ns
        self._call.on_packet(packet, arrival_ns)
        if self._watch is not None:
            self._watch.look(arrival_ns)

    def on_state(self, state: ConnectionState, now_ns: int) -> None:
        """The peer keeps its states."""

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self._call.on_close(code, reason, now_ns)

    # What the network did.

    def _note(self, session: Session, peer: Peer) -> None:
        network, voice, watch = session.network, self._voice, self._watch
        network.codec = peer.codec.name
        if self._first_rtp_ns is not None and session.first_rtp_ms is None:
            session.first_rtp_ms = (self._first_rtp_ns - self._begun_ns) / NS_PER_MS
        states = msgspec.json.decode(network.peer_states or "[]")
        states += [[change.state, (change.at_ns - session.planned_ns) / NS_PER_MS] for change in peer.states]
        network.peer_states = msgspec.json.encode(states).decode()
        if voice is not None and voice.reception is not None:
            network.add(voice.reception)
            network.packets_late += voice.late_packets
            network.concealed_ms = (network.concealed_ms or 0.0) + voice.concealed_ns / NS_PER_MS
            network.player_delay_ms = voice.depth_ns / NS_PER_MS
        if watch is not None:
            watch.finish(monotonic_ns())
            network.degraded_intervals += watch.degraded
            network.first_degraded_ns = network.first_degraded_ns or watch.first_degraded_ns
        note_statistics(network, peer.statistics(), (monotonic_ns() - self._begun_ns) / 1e9)
        network.rate()


def note_statistics(network: Network, counted: PeerStatistics, connected_s: float) -> None:
    """Take over what the peer counted in this time."""
    network.take_round_trips([trip.ms for trip in counted.round_trips])
    if counted.remote_reports and counted.packets_sent:
        last = counted.remote_reports[-1]
        network.take_remote(counted.packets_sent, last.packets_lost, last.jitter_ms)
    network.take_traffic(counted.bytes_sent, counted.bytes_received, connected_s)


class PacketMicrophone:
    """Gives each packet its timestamp, from the first one on."""

    def __init__(self, peer: Peer) -> None:
        self._send = peer.send_packet
        self._ticks = peer.codec.packet_ticks
        self._timestamp = 0

    def __call__(self, payload: bytes) -> None:
        self._send(payload, timestamp=self._timestamp, marker=not self._timestamp)
        self._timestamp += self._ticks


class PeerConnection:
    """A peer as a call's connection: closing it is left to the line, which hangs up first."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    @property
    def pending_bytes(self) -> int:
        return self._peer.pending_bytes

    @property
    def bytes_sent(self) -> int:
        return self._peer.bytes_sent

    @property
    def bytes_received(self) -> int:
        return self._peer.bytes_received

    def send(self, message: bytes) -> None:
        self._peer.send(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """See `Line.leave`."""

    def abort(self) -> None:
        self._peer.abort()

    def go_dark(self) -> None:
        """The network is gone, a fault on purpose."""
        self._peer.go_dark()

    def say_goodbye(self, *, channel_alone: bool) -> None:
        """Go away, or close the data channel alone, a fault on purpose."""
        if channel_alone:
            self._peer.close_channel()
        else:
            self._peer.close(1000, "the caller's application goes away")

    def ping(self, answered: Callable[[int], None]) -> None:
        """WebRTC has none to be asked for: the reports and checks of a peer that lives have come of late."""
        if monotonic_ns() - self._peer.last_arrival_ns < SIGN_OF_LIFE_NS:
            answered(monotonic_ns())


class Sideband(PeerConnection):
    """The same where events go over a WebSocket; bytes are those of both."""

    def __init__(self, connection: Connection, peer: Peer) -> None:
        super().__init__(peer)
        self._connection = connection

    @property
    def pending_bytes(self) -> int:
        return super().pending_bytes + self._connection.pending_bytes

    @property
    def bytes_sent(self) -> int:
        return super().bytes_sent + self._connection.bytes_sent

    @property
    def bytes_received(self) -> int:
        return super().bytes_received + self._connection.bytes_received

    def send(self, message: bytes) -> None:
        self._connection.send(message)

    def abort(self) -> None:
        self._connection.abort()
        super().abort()
