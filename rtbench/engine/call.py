"""One call: connects, holds its conversation, and hands over its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from rtbench.clock import monotonic_ns
from rtbench.core.conversation import Conversation
from rtbench.core.errors import CredentialsRefused
from rtbench.core.machine import Outgoing
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.response_events import AudioDelta
from rtbench.core.turns import Turn
from rtbench.dialects.dialect import ClientCodec
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.driver import Driver
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.microphone import PacedMicrophone
from rtbench.engine.plan import Plan
from rtbench.engine.rows import RowKeys, session_row, turn_row
from rtbench.engine.trace import SessionTrace
from rtbench.engine.waveform import SlowestTurns, WaveformKeeper
from rtbench.transports.connection import ConnectError, Connection
from rtbench.transports.websocket import connect

CONNECT_TIMEOUT_S = 10.0

Emit = Callable[[str, dict[str, Any]], None]
"""Takes a table's name and a row of it."""


@dataclass(slots=True)
class Surroundings:
    """What the calls of one engine share."""

    alarms: AlarmClock
    lateness: LatenessLog
    unix_offset_ns: int
    sessions_alive: Callable[[], int]
    emit: Emit
    slowest: SlowestTurns = field(default_factory=SlowestTurns)


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
        self._keys = keys
        self._planned_ns = monotonic_ns()
        script = plan.script(seed)
        self._input_rate_hz = script.session.input_format.rate_hz
        self._conversation = Conversation(
            script, frame_ns=plan.frame_ns, phase_ns=phase_ns, planned_ns=self._planned_ns
        )
        self._client_codec: ClientCodec = plan.dialect.client_codec()
        self._waveform = WaveformKeeper(around.slowest, script.session.output_format)
        self._microphone: PacedMicrophone | None = None
        self._ended = asyncio.Event()
        self._stop_asked: Literal["drain", "abort"] | None = None
        super().__init__(self._conversation, self._client_codec, around.alarms, trace, self._ended.set)

    @property
    def conversation(self) -> Conversation:
        return self._conversation

    async def hold(self) -> None:
        """Connect and talk until the conversation is over; ends with the session's row, never with an exception."""
        if await self._connect():
            await self._ended.wait()
        if self._microphone is not None:
            self._microphone.stop()
        self._emit_session()

    def start(self, connection: Connection) -> Self:
        super().start(connection)
        if self._stop_asked is not None:
            self.stop(abort=self._stop_asked == "abort")
        return self

    def stop(self, *, abort: bool = False) -> None:
        """End after the turn under way, or at once."""
        self._stop_asked = "abort" if abort else self._stop_asked or "drain"
        if self._connection is None:
            return
        if abort:
            self._conversation.abort(monotonic_ns())
        else:
            self._conversation.stop(monotonic_ns())
        self.settle()

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        event = self._codec.decode(message)
        self._observer.received(event, arrival_ns)
        self._conversation.receive(event, arrival_ns)
        if isinstance(event, AudioDelta):
            self._keep_waveform(event)
        self.settle()

    def dispatch(self, outgoing: Outgoing) -> None:
        event = outgoing.event
        if isinstance(event, StartMicrophone):
            self._start_microphone()
        elif isinstance(event, PlayClip):
            if self._microphone is not None:
                self._microphone.play(self._plan.messages(event.clip), event.at_ns)
        else:
            if self._microphone is not None:
                self._microphone.send_due(outgoing.due_ns)
            super().dispatch(outgoing)

    def settle(self) -> None:
        super().settle()
        for turn in self._conversation.finished_turns():
            self._emit_turn(turn)

    async def _connect(self) -> bool:
        session = self._conversation.session
        session.planned_ns = self._planned_ns
        target, dialect = self._plan.target, self._plan.dialect
        model = self._plan.scenario.session.model
        try:
            _, timings = await connect(
                target.websocket_url(dialect.websocket_path(model)),
                self.start,
                headers=dialect.headers(target.key()),
                timeout_s=CONNECT_TIMEOUT_S,
            )
        except (ConnectError, CredentialsRefused) as error:
            session.error_class = getattr(error, "error_class", "credentials_missing")
            session.error_detail = str(error)
            session.errors[session.error_class] += 1
            session.ended_ns = monotonic_ns()
            return False
        session.dns_ms = timings.dns_ms
        session.tcp_ms = timings.tcp_ms
        session.tls_ms = timings.tls_ms
        session.upgrade_ms = timings.upgrade_ms
        return True

    def _start_microphone(self) -> None:
        self._microphone = PacedMicrophone(
            self._conversation.grid,
            self._plan.silence(),
            self._connection.send if self._connection is not None else _discard,
            self._alarms,
            self._around.lateness,
        )

    def _keep_waveform(self, event: AudioDelta) -> None:
        fold = self._conversation.open_turn
        if fold is not None and fold.turn.response_id == event.response_id:
            self._waveform.hear(fold.turn, fold.playback, event.delta)

    def _emit_turn(self, turn: Turn) -> None:
        around = self._around
        microphone = self._microphone
        row = turn_row(
            self._keys,
            self._conversation.session.session_id,
            turn,
            microphone.take_late_max_ms() if microphone is not None else 0.0,
            at_unix_ns=turn.user_speech_end_ns + around.unix_offset_ns,
            concurrency=around.sessions_alive(),
            speech_end_sample=self._conversation.grid.sample_at(turn.user_speech_end_ns, self._input_rate_hz),
        )
        around.emit("turns", row)
        waveform = self._waveform.take(turn)
        if waveform is not None:
            around.emit("waveforms", {"session": self._keys.session, **waveform})

    def _emit_session(self) -> None:
        microphone, connection = self._microphone, self._connection
        row = session_row(
            self._keys,
            self._conversation.session,
            self._client_codec.unknown_fields,
            at_unix_ns=self._planned_ns + self._around.unix_offset_ns,
            bytes_sent=connection.bytes_sent if connection is not None else 0,
            bytes_received=connection.bytes_received if connection is not None else 0,
            frames_sent=microphone.frames_sent if microphone is not None else 0,
            frame_late_max_ms=microphone.late_max_ms if microphone is not None else 0.0,
        )
        self._around.emit("sessions", row)


def _discard(message: bytes) -> None:
    """Where there is no connection there is nothing to send to."""
