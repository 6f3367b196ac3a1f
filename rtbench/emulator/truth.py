"""The truth about each response: what was really applied, for measured minus true.

Instants are nanoseconds on the emulator's own monotonic clock, taken when the event had left; samples
count the session's input stream. A measured delay is true when it equals the audio between the last
speech sample and `endpoint_sample`, plus `first_audio_sent_ns - endpoint_received_ns`, plus
`audible_offset_ms`.

An answer's row stays open for what the user may still do to it: interrupt what is being played, and
truncate it. It is complete when the next answer begins, or the session ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import SessionCreated, SpeechStarted, SpeechStopped
from rtbench.emulator.output import Cleared
from rtbench.emulator.playout import SpeakPackets


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the user's turn was decided to be over."""

    trigger: str
    """What decided it.

    server_vad, semantic_vad, manual (a commit), idle_timeout, client (nothing was said: a bare
    `response.create`), or cut_in (the fault: the user is still speaking).
    """

    item_id: str
    input_rate_hz: int
    sample: int
    """Input samples received when it was decided."""

    received_ns: int
    """Arrival of what decided it: the audio, or the commit."""

    vad_speech_end_sample: int | None = None


@dataclass(frozen=True, slots=True)
class Interruption:
    """Speech into an answer, as it was detected."""

    item_id: str
    """The user's item that it begins."""

    onset_sample: int
    """Where speech began, as the VAD dates it back."""

    decided_sample: int
    """Input samples received when it was decided."""

    received_ns: int
    """Arrival of the last of them."""


@dataclass(slots=True)
class TruthRow:
    """One response. None stands for what did not happen."""

    session_id: str
    response_id: str
    item_id: str
    """The user's item that it answers, empty where there is none."""

    trigger: str
    input_rate_hz: int
    vad_speech_end_sample: int | None
    endpoint_sample: int
    endpoint_received_ns: int
    response_delay_drawn_ms: float
    leading_silence_ms: int
    audible_offset_ms: float | None
    """Media time from the first sample sent to the first audible one, leading silence included."""

    reply: str
    """Clip that was said."""

    out_of_band: bool
    answer_item_id: str = ""
    """Its own item."""

    audio_ms: float = 0.0
    """Sent before the response was told to be done."""

    status: str = "in_progress"
    """As in `response.done`; in_progress where the connection ended before."""

    reason: str | None = None
    speech_stopped_sent_ns: int | None = None
    response_created_sent_ns: int | None = None
    first_audio_sent_ns: int | None = None
    last_audio_sent_ns: int | None = None
    response_done_sent_ns: int | None = None
    stale_audio_ms: float | None = None
    """Sent after the response was told to be cancelled."""

    interruption_onset_sample: int | None = None
    """Of the first speech into the answer that was noticed, while it was under way or being played.

    It is played in real time from its first audio on, as far as the emulator knows.
    """

    interruption_decided_sample: int | None = None
    interruption_received_ns: int | None = None
    interruption_speech_started_sent_ns: int | None = None
    cancel_received_ns: int | None = None
    """Arrival of the client's own `response.cancel`."""

    truncate_received_ns: int | None = None
    """Arrival of the client's last `conversation.item.truncate` for it."""

    truncate_audio_end_ms: int | None = None
    truncate_rejected: bool | None = None
    queued_ms: float = 0.0
    """Its wait for a slot of the service (see `capacity`)."""

    slow_down_ms: float = 0.0
    """What the number of sessions added to its delay."""

    transport: str = "websocket"
    """websocket or webrtc. Over WebRTC instants of audio are those of RTP packets."""

    session_created_sent_ns: int | None = None
    """Of its session's `session.created`: where a caller's outage ended whose session this one replaced."""

    played_ms: float | None = None
    """Of an answer over WebRTC that was cut off by the service: audio that had left by then."""


class TruthLog:
    """Rows of the responses of one session, stamped as their events leave."""

    def __init__(self) -> None:
        self._open: dict[str, TruthRow] = {}
        self._released: set[str] = set()
        self._interrupted_by: dict[str, TruthRow] = {}
        self._finished: list[TruthRow] = []
        self._speech_stopped: tuple[str, int] = ("", 0)
        self._session_created_ns: int | None = None

    def open(self, row: TruthRow) -> None:
        """A response begins."""
        item_id, sent_ns = self._speech_stopped
        if item_id and item_id == row.item_id:
            row.speech_stopped_sent_ns = sent_ns
        row.session_created_sent_ns = self._session_created_ns
        self._open[row.response_id] = row

    def release(self, response_id: str) -> None:
        """Nothing more can happen to a response but its end."""
        row = self._open.get(response_id)
        if row is None:
            return
        if row.response_done_sent_ns is None:
            self._released.add(response_id)
        else:
            self._finish(row)

    def interrupted(self, response_id: str, interruption: Interruption) -> None:
        """The user speaks into an answer; the first time counts."""
        row = self._open.get(response_id)
        if row is None or row.interruption_received_ns is not None:
            return
        row.interruption_onset_sample = interruption.onset_sample
        row.interruption_decided_sample = interruption.decided_sample
        row.interruption_received_ns = interruption.received_ns
        self._interrupted_by[interruption.item_id] = row

    def cancel_received(self, response_id: str, received_ns: int) -> None:
        """The client has asked to cancel a response."""
        row = self._open.get(response_id)
        if row is not None:
            row.cancel_received_ns = received_ns

    def truncate_received(
        self, answer_item_id: str, audio_end_ms: int, received_ns: int, *, rejected: bool
    ) -> None:
        """The client has told how much of an answer was heard."""
        for row in self._open.values():
            if row.answer_item_id == answer_item_id:
                row.truncate_received_ns = received_ns
                row.truncate_audio_end_ms = audio_end_ms
                row.truncate_rejected = rejected

    def response_of(self, answer_item_id: str) -> str:
        """The response, still open, whose answer is this item; empty where there is none."""
        return next((name for name, row in self._open.items() if row.answer_item_id == answer_item_id), "")

    def cleared(self, cleared: Cleared) -> None:
        """The service has stopped playing an answer before its end."""
        row = self._open.get(cleared.response_id)
        if row is not None:
            row.played_ms = cleared.played_ms
            row.stale_audio_ms = cleared.stale_ms

    def stamp(self, event: Any, sent_ns: int) -> None:
        """An event has left, or the first or last packet of audio."""
        stamp = _STAMPS.get(type(event))
        if stamp is not None:
            stamp(self, event, sent_ns)

    def abandon(self) -> None:
        """The connection has ended: what is not finished never will be."""
        for row in tuple(self._open.values()):
            self._finish(row)

    def take(self) -> list[TruthRow]:
        """Rows finished since the last call."""
        taken, self._finished = self._finished, []
        return taken

    def _stamp_audio(self, event: AudioDelta | SpeakPackets, sent_ns: int) -> None:
        row = self._open.get(event.response_id)
        if row is not None:
            row.last_audio_sent_ns = sent_ns
            if row.first_audio_sent_ns is None:
                row.first_audio_sent_ns = sent_ns

    def _stamp_session_created(self, _: SessionCreated, sent_ns: int) -> None:
        self._session_created_ns = sent_ns

    def _stamp_speech_started(self, event: SpeechStarted, sent_ns: int) -> None:
        row = self._interrupted_by.pop(event.item_id, None)
        if row is not None:
            row.interruption_speech_started_sent_ns = sent_ns

    def _stamp_speech_stopped(self, event: SpeechStopped, sent_ns: int) -> None:
        self._speech_stopped = (event.item_id, sent_ns)
        for row in self._open.values():
            if row.item_id == event.item_id:
                row.speech_stopped_sent_ns = sent_ns

    def _stamp_created(self, event: ResponseCreated, sent_ns: int) -> None:
        row = self._open.get(event.response["id"])
        if row is not None:
            row.response_created_sent_ns = sent_ns

    def _stamp_done(self, event: ResponseDone, sent_ns: int) -> None:
        row = self._open.get(event.response["id"])
        if row is not None:
            row.response_done_sent_ns = sent_ns
            if row.response_id in self._released:
                self._finish(row)

    def _finish(self, row: TruthRow) -> None:
        del self._open[row.response_id]
        self._released.discard(row.response_id)
        self._finished.append(row)


_STAMPS: dict[type[Any], Callable[..., None]] = {
    AudioDelta: TruthLog._stamp_audio,
    SpeakPackets: TruthLog._stamp_audio,
    SessionCreated: TruthLog._stamp_session_created,
    SpeechStarted: TruthLog._stamp_speech_started,
    SpeechStopped: TruthLog._stamp_speech_stopped,
    ResponseCreated: TruthLog._stamp_created,
    ResponseDone: TruthLog._stamp_done,
}
