"""The truth about each response: what was really applied, for measured minus true.

Instants are nanoseconds on the emulator's own monotonic clock, taken when the event had left; samples
count the session's input stream. A measured delay is true when it equals the audio between the last
speech sample and `endpoint_sample`, plus `first_audio_sent_ns - endpoint_received_ns`, plus
`audible_offset_ms`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import ServerEvent, SpeechStopped


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the user's turn was decided to be over."""

    trigger: str
    """server_vad, manual (a commit), idle_timeout, or client (nothing was said: a bare `response.create`)."""

    item_id: str
    input_rate_hz: int
    sample: int
    """Input samples received when it was decided."""

    received_ns: int
    """Arrival of what decided it: the audio, or the commit."""

    vad_speech_end_sample: int | None = None


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
    audio_ms: float = 0.0
    status: str = "in_progress"
    """As in `response.done`; in_progress where the connection ended before."""

    reason: str | None = None
    speech_stopped_sent_ns: int | None = None
    response_created_sent_ns: int | None = None
    first_audio_sent_ns: int | None = None
    last_audio_sent_ns: int | None = None
    response_done_sent_ns: int | None = None


class TruthLog:
    """Rows of the responses of one session, stamped as their events leave."""

    def __init__(self) -> None:
        self._open: dict[str, TruthRow] = {}
        self._finished: list[TruthRow] = []
        self._speech_stopped: tuple[str, int] = ("", 0)
        self._stamps: dict[type[ServerEvent], Callable[..., None]] = {
            AudioDelta: self._stamp_audio,
            SpeechStopped: self._stamp_speech_stopped,
            ResponseCreated: self._stamp_created,
            ResponseDone: self._stamp_done,
        }

    def open(self, row: TruthRow) -> None:
        """A response begins."""
        item_id, sent_ns = self._speech_stopped
        if item_id and item_id == row.item_id:
            row.speech_stopped_sent_ns = sent_ns
        self._open[row.response_id] = row

    def stamp(self, event: ServerEvent, sent_ns: int) -> None:
        """An event has left."""
        stamp = self._stamps.get(type(event))
        if stamp is not None:
            stamp(event, sent_ns)

    def abandon(self) -> None:
        """The connection has ended: what is not finished never will be."""
        self._finished += self._open.values()
        self._open.clear()

    def take(self) -> list[TruthRow]:
        """Rows finished since the last call."""
        taken, self._finished = self._finished, []
        return taken

    def _stamp_audio(self, event: AudioDelta, sent_ns: int) -> None:
        row = self._open.get(event.response_id)
        if row is not None:
            row.last_audio_sent_ns = sent_ns
            if row.first_audio_sent_ns is None:
                row.first_audio_sent_ns = sent_ns

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
        row = self._open.pop(event.response["id"], None)
        if row is not None:
            row.response_done_sent_ns = sent_ns
            self._finished.append(row)
