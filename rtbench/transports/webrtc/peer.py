"""One end of a WebRTC connection: its states, audio packets and a data channel, and how it ends.

new --start--> connecting --DTLS done--> connected <---- 5 s of silence, its end ----> disconnected
                |                         |                                             |
                | ICE or DTLS fails       | goodbye, ours or theirs: closed             | 30 s: failed
                `--> failed               `--> closed                                   `--> failed
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from rtbench.clock import monotonic_ns, unix_offset_ns
from rtbench.core.codec import AudioCodec
from rtbench.transports.connection import ABNORMAL_CLOSURE, ConnectError, Phase
from rtbench.transports.webrtc.channel import EventChannel
from rtbench.transports.webrtc.description import LocalDescription, RemoteDescription
from rtbench.transports.webrtc.events import (
    ConnectionState,
    MediaReceiver,
    PeerStatistics,
    RoundTrip,
    StateChange,
)
from rtbench.transports.webrtc.ice import IceConnection
from rtbench.transports.webrtc.media import MediaPlane
from rtbench.transports.webrtc.rtp import RtpPacket
from rtbench.transports.webrtc.secure_path import SecurePath
from rtbench.transports.webrtc.srtp import SrtpPair

REPORT_INTERVAL_S = 1.0
"""Between our RTCP reports, varied by a half both ways (RFC 3550, 6.2): one round trip a second."""

GOODBYE_NS = 500_000_000
"""How long a goodbye waits for messages that SCTP holds back until earlier ones are acknowledged: a few round trips."""

MESSAGE_TOO_BIG = 1009
"""Close code for a message longer than the peer takes, as over a WebSocket (RFC 6455, 7.4.1)."""

_EARLY_PACKETS = 100
"""Kept until there is a receiver: 2 s of audio."""

_NOTHING_SENT = PeerStatistics(0, 0, 0, 0, 0, 0.0, 0, 0, (), ())


class Peer:
    """A `Connection` whose messages go over a data channel, with audio packets beside it."""

    def __init__(
        self,
        ice: IceConnection,
        local: LocalDescription,
        remote: RemoteDescription,
        receiver_factory: MediaReceiverFactory,
        *,
        opens_channel: bool,
        call_id: str | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.call_id = call_id
        """The service's name of the call, from its `Location`; None where it gave none, and on the answering side."""

        self.codecs: dict[int, AudioCodec] = dict(remote.payload_types)
        """All that was negotiated, by the payload type of packets that arrive."""

        self.codec: AudioCodec = next(iter(self.codecs.values()))
        """What `send_packet` must be given; the first that both sides named."""

        self.established: asyncio.Future[None] = self._loop.create_future()
        """Done when the receiver is made; with a ConnectError where it came to nothing."""

        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when sockets and timers are gone; a peer that never came to stand ends this way too."""

        self.phase: Phase = "ice"
        """What is being established, or was last."""

        self.phase_ends_ns: dict[Phase, int] = {}
        """When each phase was done."""

        self._local = local
        self._remote = remote
        self._receiver_factory: MediaReceiverFactory | None = receiver_factory
        self._opens_channel = opens_channel
        self._path = SecurePath(ice, remote, self, is_dtls_client=local.dtls_role == "client")
        self._media: MediaPlane | None = None
        self._channel: EventChannel | None = None
        self._receiver: MediaReceiver | None = None
        self._early_packets: deque[tuple[RtpPacket, int]] = deque(maxlen=_EARLY_PACKETS)
        self._message_arrival_ns = 0
        self._states = [StateChange("new", monotonic_ns())]
        self._closing = False
        self._ended = False
        self._deadline: asyncio.TimerHandle | None = None
        self._report_timer: asyncio.TimerHandle | None = None
        self._releasing: asyncio.Task[None] | None = None

    @property
    def state(self) -> ConnectionState:
        """Where the connection stands now."""
        return self._states[-1].state

    @property
    def states(self) -> tuple[StateChange, ...]:
        """All states so far, `new` first."""
        return tuple(self._states)

    @property
    def pending_bytes(self) -> int:
        """See `Connection`."""
        return self._channel.pending_bytes if self._channel is not None else 0

    @property
    def bytes_sent(self) -> int:
        """Payload of all datagrams sent: audio, messages, ICE and DTLS; without UDP and IP headers."""
        return self._path.bytes_sent

    @property
    def bytes_received(self) -> int:
        """Payload of all datagrams received."""
        return self._path.bytes_received

    def send(self, message: bytes) -> None:
        """See `Connection`: one text message (UTF-8) over the data channel.

        One that is longer than the peer takes ends the connection with 1009.
        """
        if self._channel is None or self._closing:
            return
        try:
            self._channel.send(message)
        except ValueError:
            limit = self._remote.max_message_bytes
            self.close(MESSAGE_TOO_BIG, f"a message of {len(message)} bytes; the peer takes {limit}")

    def send_regardless(self, message: bytes) -> None:
        """A fault on purpose: one message of any length, whatever the peer takes."""
        if self._channel is not None and not self._closing:
            self._channel.send_regardless(message)

    def lose_packet(self) -> None:
        """A fault on purpose: one audio packet is lost on the way; its number is used up."""
        if self._media is not None and not self._closing:
            self._media.skip_packet()

    def send_packet(self, payload: bytes, *, timestamp: int, marker: bool = False) -> None:
        """Send one audio packet now: it has left for the network when this returns.

        `timestamp` is in units of `codec.clock_rate_hz` and is cut to 32 bits; sequence numbers are ours.
        Does nothing while the connection does not stand.
        """
        if self._media is not None and not self._closing:
            self._media.send_packet(payload, timestamp, marker, monotonic_ns())

    def statistics(self) -> PeerStatistics:
        """What was counted up to now."""
        return self._media.statistics() if self._media is not None else _NOTHING_SENT

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and end; the receiver's `on_close` gets this code when what was sent before has left.

        The other side sees 1000: WebRTC's goodbye carries no code. Does nothing the second time.
        """
        if not self._closing:
            self._closing = True
            # Messages leave in the loop's next round; this comes after them.
            until_ns = monotonic_ns() + GOODBYE_NS
            self._loop.call_soon(self._loop.call_soon, self._leave, code, reason, until_ns)

    def abort(self) -> None:
        """End without a word: `on_close` gets 1006, and the other side notices when its consent expires."""
        if not self._ended:
            self._closing = True
            self._loop.call_soon(self._end, ABNORMAL_CLOSURE, "aborted", "closed")

    @property
    def last_arrival_ns(self) -> int:
        """When the last datagram came; a peer that is there sends a report once a second."""
        return self._path.last_arrival_ns

    def go_dark(self) -> None:
        """A fault on purpose: the network is gone, ICE's own checks with it; both sides find out by themselves."""
        self._path.go_dark()

    def close_channel(self) -> None:
        """A fault on purpose: close the data channel alone; media goes on until the other side ends the call."""
        if self._channel is not None:
            self._channel.stop(says_goodbye=True)

    def start(self, timeout_s: float) -> None:
        """Begin to connect, in the background; `established` tells how it went, by this time at the latest."""
        self._change("connecting", monotonic_ns())
        self._deadline = self._loop.call_later(
            timeout_s, self.on_failed, "connect_timeout", f"nothing came within {timeout_s:g} s"
        )
        self._path.start()

    def on_nominated(self, now_ns: int) -> None:
        """ICE found a way."""
        self.phase_ends_ns["ice"] = now_ns
        self.phase = "dtls"

    def on_secured(self, srtp: SrtpPair, now_ns: int) -> None:
        """DTLS is done: there are keys for audio, and a way for messages."""
        self.phase_ends_ns["dtls"] = now_ns
        self.phase = "channel"
        self._media = MediaPlane(
            srtp,
            self.codec,
            self.codecs,
            ssrc=self._local.ssrc,
            cname=self._local.cname,
            unix_offset_ns=unix_offset_ns(),
            send=self._path.send_media,
        )
        self._change("connected", now_ns)
        self._report_timer = self._loop.call_later(_report_delay_s(), self._report)
        if not self._remote.has_channel:
            self._attach()
            return
        self._channel = EventChannel(
            self,
            is_dtls_client=self._path.is_dtls_client,
            send=self._path.send_channel_packet,
            remote_port=self._remote.sctp_port,
            remote_max_message_bytes=self._remote.max_message_bytes,
        )
        self._channel.start(opens_channel=self._opens_channel)

    def on_media(self, datagram: bytes, arrival_ns: int) -> None:
        """A datagram with audio, or a report."""
        if self._media is None or self._ended:
            return
        packet = self._media.receive(datagram, arrival_ns)
        if packet is None:
            return
        if self._receiver is not None:
            self._receiver.on_packet(packet, arrival_ns)
        else:
            self._early_packets.append((packet, arrival_ns))

    def on_channel_packet(self, packet: bytes, arrival_ns: int) -> None:
        """A datagram with messages, or with what SCTP says to itself."""
        self._message_arrival_ns = arrival_ns
        if self._channel is not None:
            self._channel.receive(packet)

    def on_channel_open(self) -> None:
        """Messages can be sent: the connection stands."""
        self.phase_ends_ns["channel"] = monotonic_ns()
        self._attach()

    def on_channel_message(self, message: bytes) -> None:
        """A message came."""
        if self._receiver is not None:
            self._receiver.on_message(message, self._message_arrival_ns)

    def on_channel_closed(self) -> None:
        """The other side ended its channel, and with it the call."""
        self._loop.call_soon(self._end, 1000, "the peer closed its data channel", "closed")

    def on_message_too_big(self, size_bytes: int) -> None:
        """The other side does not heed what we said we would take (RFC 8841, 6.1)."""
        limit = f"closed from here with {MESSAGE_TOO_BIG}: a message of {size_bytes} bytes, above our limit"
        self.close(MESSAGE_TOO_BIG, limit)

    def on_round_trip(self, round_trip_ms: float, now_ns: int) -> None:
        """ICE measured the way there and back."""
        if self._media is not None:
            self._media.add_round_trip(RoundTrip(now_ns, round_trip_ms, "ice"))

    def on_goodbye(self, reason: str) -> None:
        """The other side ended the connection."""
        self._end(1000, reason, "closed")

    def on_failed(self, error_class: str, reason: str) -> None:
        """Nothing comes of it, or nothing comes any more."""
        if not self.established.done():
            self.established.set_exception(ConnectError(self.phase, error_class, f"{self.phase}: {reason}"))
        self._end(ABNORMAL_CLOSURE, reason, "failed")

    def _attach(self) -> None:
        # Dropped as it is used: it may know the call, which knows this peer, and would wait for a full collection.
        factory, self._receiver_factory = self._receiver_factory, None
        if self._closing or factory is None:
            return
        self._path.read_in_batches()
        self._receiver = factory(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if not self.established.done():
            self.established.set_result(None)
        while self._early_packets and self._receiver is not None:
            self._receiver.on_packet(*self._early_packets.popleft())

    def _report(self) -> None:
        """Once a second: tell the other side what came, and notice where nothing comes any more."""
        if self._media is None:
            return
        now_ns = monotonic_ns()
        self._media.send_report(now_ns)
        self._report_timer = self._loop.call_later(_report_delay_s(), self._report)
        self._change("disconnected" if self._path.is_silent(now_ns) else "connected", now_ns)

    def _leave(self, code: int, reason: str, until_ns: int) -> None:
        """End once all has left, or in time."""
        waits = self._channel is not None and self._channel.has_unsent and monotonic_ns() < until_ns
        if waits and not self._ended:
            self._loop.call_later(0.01, self._leave, code, reason, until_ns)
        else:
            self._end(code, reason, "closed")

    def _change(self, state: ConnectionState, now_ns: int) -> None:
        if state != self.state:
            self._states.append(StateChange(state, now_ns))
            if self._receiver is not None:
                self._receiver.on_state(state, now_ns)

    def _end(self, code: int, reason: str, state: ConnectionState) -> None:
        """Once: say goodbye where the peer is there to hear it, stop everything, and tell the receiver."""
        if self._ended:
            return
        self._ended = self._closing = True
        self._receiver_factory = None
        now_ns = monotonic_ns()
        for timer in (self._deadline, self._report_timer):
            if timer is not None:
                timer.cancel()
        says_goodbye = code != ABNORMAL_CLOSURE  # nothing may be sent without consent (RFC 7675, 5.1)
        if self._channel is not None:
            self._channel.stop(says_goodbye=says_goodbye)
        self._path.stop(says_goodbye=says_goodbye)
        self._change(state, now_ns)
        if not self.established.done():
            error = ConnectError(self.phase, "connection_lost", f"{self.phase}: {reason}")
            self.established.set_exception(error)
        if not self.established.cancelled():
            self.established.exception()  # whoever did not wait for it need not be told
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.on_close(code, reason, now_ns)
        self._releasing = self._loop.create_task(self._release())

    async def _release(self) -> None:
        await self._path.release()
        if not self.lost.done():
            self.lost.set_result(None)


def _report_delay_s() -> float:
    return REPORT_INTERVAL_S * random.uniform(0.5, 1.5)


MediaReceiverFactory: TypeAlias = Callable[[Peer], MediaReceiver]
"""Called once, when the data channel is open (on the answering side: or DTLS stands and the offer had no channel).

Packets that arrived before are handed over right after, with their own stamps.
"""
