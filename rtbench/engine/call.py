"""One call: connects, holds its conversation, and hands over its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from rtbench.clock import monotonic_ns
from rtbench.core.conversation import Conversation
from rtbench.core.errors import CredentialsRefused
from rtbench.core.machine import Outgoing
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.response_events import AudioDelta
from rtbench.core.script import Script
from rtbench.dialects.dialect import ClientCodec
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.driver import Driver
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.ledger import Emit, Ledger, Podium
from rtbench.engine.microphone import PacedMicrophone
from rtbench.engine.plan import Plan
from rtbench.engine.recording import Recording
from rtbench.engine.rows import RowKeys
from rtbench.engine.trace import SessionTrace
from rtbench.engine.waveform import WaveformKeeper
from rtbench.transports.connection import ConnectError, Connection, ConnectTimings
from rtbench.transports.websocket import connect

CONNECT_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Surroundings:
    """What the calls of one engine share."""

    alarms: AlarmClock
    lateness: LatenessLog
    unix_offset_ns: int
    sessions_alive: Callable[[], int]
    emit: Emit
    podium: Podium = field(default_factory=Podium)


class Call(Driver):
    """One conversation of one caller, from the request for it to its last row."""

    def __init__(
        self,
        around: Surroundings,
        plan: Plan,
        keys: RowKeys,
        seed: int,
        phase_ns: int,
        trace: SessionTrace,
    ) -> None:
        self._around = around
        self._plan = plan
        self._planned_ns = monotonic_ns()
        script = plan.script(seed)
        self._conversation = Conversation(
            script, frame_ns=plan.frame_ns, phase_ns=phase_ns, planned_ns=self._planned_ns
        )
        self._conversation.session.planned_ns = self._planned_ns
        self._client_codec: ClientCodec = plan.dialect.client_codec()
        self._waveform = WaveformKeeper(around.podium.turns, script.session.output_format)
        self._recording = self._make_recording(script)
        self._ledger = Ledger(
            keys, self._conversation, script.session.input_format.rate_hz, around.unix_offset_ns, around.emit
        )
        self._microphone: PacedMicrophone | None = None
        self._ended = asyncio.Event()
        self._stopping = False
        self._attempt: asyncio.Task[tuple[Connection, ConnectTimings]] | None = None
        super().__init__(self._conversation, self._client_codec, around.alarms, trace, self._ended.set)

    @property
    def conversation(self) -> Conversation:
        return self._conversation

    async def hold(self) -> None:
        """Connect and talk until the conversation is over; ends with the session's row, never with an exception."""
        if self._conversation.outcome is None and await self._connect():
            await self._ended.wait()
        if self._microphone is not None:
            self._microphone.stop()
        self._write_session()

    def start(self, connection: Connection) -> Self:
        super().start(connection)
        if self._stopping:
            self.stop()
        return self

    def stop(self, *, abort: bool = False) -> None:
        """End after the turn under way, or at once."""
        self._stopping = True
        now = self.advance(monotonic_ns())
        if abort:
            self._conversation.abort(now)
        elif self._connection is not None:
            self._conversation.stop(now)
        if self._connection is not None:
            self.settle()
        elif abort and self._attempt is not None:
            self._attempt.cancel()

    def take(self, event: Any, arrival_ns: int) -> None:
        self._observer.received(event, arrival_ns)
        self._conversation.receive(event, self.advance(arrival_ns))
        if isinstance(event, AudioDelta):
            self._keep_audio(event)
        self.settle()

    def dispatch(self, outgoing: Outgoing) -> None:
        event = outgoing.event
        if isinstance(event, StartMicrophone):
            self._start_microphone()
        elif isinstance(event, PlayClip):
            if self._microphone is not None:
                self._microphone.play(self._plan.messages(event.clip, event.gain_db), event.at_ns)
            if self._recording is not None:
                self._recording.caller_plays(event)
        else:
            if self._microphone is not None:
                self._microphone.send_due(outgoing.due_ns)
            super().dispatch(outgoing)

    def settle(self) -> None:
        super().settle()
        self._write_rows()

    async def _connect(self) -> bool:
        session = self._conversation.session
        try:
            self._attempt = asyncio.ensure_future(self._dial())
            _, timings = await self._attempt
        except (ConnectError, CredentialsRefused) as error:
            session.error_class = getattr(error, "error_class", "credentials_missing")
            session.error_detail = str(error)
            session.errors[session.error_class] += 1
            session.ended_ns = monotonic_ns()
            return False
        except asyncio.CancelledError:
            if self._conversation.outcome is None:
                raise
            return False
        session.dns_ms = timings.dns_ms
        session.tcp_ms = timings.tcp_ms
        session.tls_ms = timings.tls_ms
        session.upgrade_ms = timings.upgrade_ms
        return True

    async def _dial(self) -> tuple[Connection, ConnectTimings]:
        target, dialect = self._plan.target, self._plan.dialect
        model = self._plan.scenario.session.model
        return await connect(
            target.websocket_url(dialect.websocket_path(model)),
            self.start,
            headers=target.headers(dialect),
            timeout_s=CONNECT_TIMEOUT_S,
        )

    def _start_microphone(self) -> None:
        self._microphone = PacedMicrophone(
            self._conversation.grid,
            self._plan.silence(),
            self._connection.send if self._connection is not None else _discard,
            self._alarms,
            self._around.lateness,
        )

    def _make_recording(self, script: Script) -> Recording | None:
        """Only where sound may be kept, or caller and agent may speak at once; it costs memory."""
        if script.speaks_into_answers or self._plan.scenario.record.audio:
            return Recording(script.session.output_format, self._plan.samples)
        return None

    def _keep_audio(self, event: AudioDelta) -> None:
        """Hold what was just heard, for the pictures of the worst."""
        fold, reply = self._conversation.open_turn, self._conversation.reply(event.response_id)
        if reply is None:
            return
        if fold is not None and fold.turn.response_id == event.response_id:
            self._waveform.hear(fold.turn, reply.playback, event.delta)
        if self._recording is not None:
            self._recording.agent_says(self._conversation.session.turns, reply.playback, event.delta)

    def _write_rows(self) -> None:
        """Turns and stimuli that are over."""
        turns, stimuli = self._conversation.finished_turns(), self._conversation.finished_stimuli()
        if not turns and not stimuli:
            return
        around = self._around
        kept = self._recording if self._plan.scenario.record.audio else None
        for turn in turns:
            late_ms = self._late_max_ms(turn.user_speech_start_ns, turn.measured_until_ns)
            self._ledger.turn(turn, late_ms, around.sessions_alive(), self._waveform, kept)
        for stimulus in stimuli:
            late_ms = self._late_max_ms(stimulus.onset_ns, stimulus.measured_until_ns)
            self._ledger.stimulus(
                stimulus, late_ms, around.podium.stops, self._recording, keeps_sound=kept is not None
            )

    def _late_max_ms(self, start_ns: int, end_ns: int) -> float:
        """The worst lateness of a frame in the time that a record rests upon: it voids this record, and no other."""
        return 0.0 if self._microphone is None else self._microphone.late_max_between_ms(start_ns, end_ns)

    def _write_session(self) -> None:
        microphone, connection = self._microphone, self._connection
        self._ledger.session(
            self._client_codec.unknown_fields,
            bytes_sent=connection.bytes_sent if connection is not None else 0,
            bytes_received=connection.bytes_received if connection is not None else 0,
            frames_sent=microphone.frames_sent if microphone is not None else 0,
            frame_late_max_ms=microphone.late_max_ms if microphone is not None else 0.0,
        )


def _discard(message: bytes) -> None:
    """Where there is no connection there is nothing to send to."""
