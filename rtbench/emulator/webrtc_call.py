"""A WebRTC call at the service: the shell around one session whose audio comes and goes in RTP packets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from rtbench.core.audio import Audio
from rtbench.core.client_events import InputAudioAppend, Json
from rtbench.core.machine import Outgoing
from rtbench.core.server_events import SessionCreated
from rtbench.emulator.breakable import BreakableCall
from rtbench.emulator.fault_desk import FaultDesk
from rtbench.emulator.faulty_session import BreakLine
from rtbench.emulator.host import Host, TruthKeeper
from rtbench.emulator.line import Line
from rtbench.emulator.playout import FallSilent, SpeakPackets
from rtbench.emulator.rtp_input import RtpInput
from rtbench.emulator.rtp_speaker import RtpSpeaker
from rtbench.emulator.sideband import SharedConnection
from rtbench.transports.connection import Connection
from rtbench.transports.webrtc import ConnectionState, Peer, RtpPacket


class WebRtcCall(BreakableCall):
    """One call, from its answer on; the session begins when the peer stands. It is the peer's receiver.

    `on_gone(call)` is called once, when the peer is gone and nothing of the call is left.
    """

    def __init__(
        self,
        call_id: str,
        host: Host,
        desk: FaultDesk,
        peer: Peer,
        line: Line,
        configuration: Json,
        on_gone: Callable[[WebRtcCall], None],
    ) -> None:
        """Raises Refusal for the configuration."""
        self.call_id = call_id
        self._host = host
        self._desk = desk
        self._peer = peer
        self._session, self._server_codec = host.open(configuration["model"], line, configuration)
        self._line = desk.line(self._session, "webrtc")
        self._shared = SharedConnection(peer)
        self._speaker = RtpSpeaker(peer, peer.codec.clock_rate_hz, host.alarms, self._line.sent)
        self._filler = line.filler
        self._input = RtpInput(peer.codec, line.decoder())
        self._begun = False
        self._early: list[tuple[bytes, int]] = []
        """What sidebands said before the session began."""

        super().__init__(
            self._line,
            self._server_codec,
            host.alarms,
            TruthKeeper(host, self._session),
            self._speaker.stop,
        )
        peer.lost.add_done_callback(lambda lost: on_gone(self))

    @property
    def session_id(self) -> str:
        """Its session's name."""
        return self._session.session_id

    @property
    def is_standing(self) -> bool:
        """The session has begun, and the peer is not gone yet."""
        return self._begun and self._peer.state in ("connected", "disconnected")

    def start(self, connection: Connection) -> Self:
        self._begun = True
        if self._filler:
            self._speaker.fill(self._filler)
        super().start(self._shared)
        early, self._early = self._early, []
        for message, arrival_ns in early:
            self.on_message(message, arrival_ns)
        return self

    def filter_channel(self) -> None:
        """Tell the caller little (`?webrtcfilter=on`); to be called before anything is told."""
        self._shared.filters = True

    def join(self, sideband: Connection) -> None:
        """A WebSocket listens in; it is told first what the session is."""
        if self._begun:
            sideband.send(self._server_codec.encode(SessionCreated(session=self._session.json)))
        self._shared.join(sideband)

    def leave(self, sideband: Connection) -> None:
        """A WebSocket has gone."""
        self._shared.leave(sideband)

    def on_sideband(self, message: bytes, arrival_ns: int) -> None:
        """A message of a WebSocket that has joined."""
        if self._begun:
            self.on_message(message, arrival_ns)
        else:
            self._early.append((message, arrival_ns))

    def hang_up(self) -> None:
        """End the call from this side."""
        self._peer.close(1000, "hung up")

    async def end(self) -> None:
        """End the call as the emulator stops, and wait until nothing of it is left."""
        self._peer.close(1001, "the emulator stops")
        await asyncio.wait([self._peer.lost])

    def on_packet(self, packet: RtpPacket, arrival_ns: int) -> None:
        """Audio of the user; only the codec in which the call is answered is listened to."""
        if self._peer.codecs.get(packet.payload_type) != self._peer.codec:
            return
        audio = self._input.receive(packet)
        if audio:
            self.take(InputAudioAppend(audio=Audio(audio)), arrival_ns)

    def on_state(self, state: ConnectionState, now_ns: int) -> None:
        """A state that is not the end changes nothing."""

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        super().on_close(code, reason, now_ns)
        self._speaker.stop()
        self._host.write_truth(self._session)
        self._desk.write([*self._line.take_rows(), *self._session.fault_rows()])
        self._shared.over(code)

    def send_raw(self, connection: Connection, data: bytes) -> None:
        """As a service that heeds no limit of its peer's."""
        self._shared.send_regardless(data)

    def break_off(self, connection: Connection, order: BreakLine) -> None:
        match order.how:
            case "vanish":
                self._peer.go_dark()
            case "close_channel":
                self._peer.close_channel()
            case _:
                super().break_off(connection, order)

    def dispatch(self, outgoing: Outgoing) -> None:
        event = outgoing.event
        if isinstance(event, SpeakPackets):
            self._speaker.speak(event)
        elif isinstance(event, FallSilent):
            self._speaker.fall_silent(event)
        else:
            super().dispatch(outgoing)
