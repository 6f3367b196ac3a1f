"""Folds what followed one sound of the caller's into a Stimulus."""

from __future__ import annotations

from collections.abc import Set

from rtbench.core.agent_voice import AgentVoice, Reply
from rtbench.core.json_fields import string
from rtbench.core.response_events import ResponseCreated, ResponseDone
from rtbench.core.server_events import (
    ErrorReceived,
    ItemTruncated,
    OutputAudioCleared,
    ServerEvent,
    SpeechStarted,
)
from rtbench.core.stimuli import Stimulus

NS_PER_MS = 1_000_000


class StimulusFold:
    """One stimulus in the making: told of every event from its planning on, closed when its effect is known.

    Whatever happens from the onset of the next sound on is that sound's effect.
    """

    def __init__(self, stimulus: Stimulus, voice: AgentVoice, *, producing: bool) -> None:
        """`producing`: the service had not ended the answer that is being heard, if any."""
        self.stimulus = stimulus
        self._voice = voice
        self._reply = voice.reply(stimulus.response_id)
        self._answer_id = ""
        self._cancelled_media_ns = 0
        self._truncate_id = ""
        self._superseded_ns: int | None = None
        stimulus.was_producing = producing and self._reply is not None

    @property
    def replies(self) -> set[str]:
        """Responses whose audio is still needed."""
        return {self.stimulus.response_id, self._answer_id} - {""}

    def supersede(self, onset_ns: int) -> None:
        """The caller makes another sound."""
        if self._superseded_ns is None:
            self._superseded_ns = onset_ns

    def concerns(self, response_id: str, now: int) -> bool:
        """Whether what is now done to this response is an effect of the stimulus."""
        return response_id == self.stimulus.response_id and not self._is_superseded(now)

    def receive(self, event: ServerEvent, now: int) -> None:
        """One event, arrived at `now`, after the voice has taken it."""
        stimulus = self.stimulus
        match event:
            case ItemTruncated(item_id=stimulus.item_id) if stimulus.truncated_ns is None:
                stimulus.truncated_ns = now
                if stimulus.truncate_audio_end_ms is None:
                    stimulus.truncate_audio_end_ms = event.audio_end_ms
            case ErrorReceived() if self._truncate_id and event.error.event_id == self._truncate_id:
                stimulus.truncate_error = event.error.code or event.error.type
            case ResponseDone() if self.concerns(string(event.response, "id"), now):
                if string(event.response, "status") == "cancelled":
                    self._cut(now)
            case OutputAudioCleared() if self.concerns(event.response_id, now):
                self._cut(now)
            case _ if now >= stimulus.onset_ns and not self._is_superseded(now):
                self._react(event, now)

    def flushed(self, response_id: str, now: int) -> None:
        """The caller's application emptied its player of this response."""
        if self.concerns(response_id, now) and self.stimulus.flushed_ns is None:
            self.stimulus.flushed_ns = now

    def cancel_sent(self, active_ids: Set[str], now: int) -> None:
        """The caller's application cancelled the responses under way."""
        stimulus = self.stimulus
        if stimulus.cancel_sent_ns is None and any(self.concerns(each, now) for each in active_ids):
            stimulus.cancel_sent_ns = now

    def heard(self, item_id: str, heard_ms: float) -> None:
        """So much of the item was heard; the service truncates it by itself."""
        self.stimulus.item_id = item_id
        self.stimulus.truncate_heard_ms = heard_ms

    def truncated(self, event_id: str, item_id: str, audio_end_ms: int, heard_ms: float, now: int) -> None:
        """The application told the service how much of the item was heard."""
        stimulus = self.stimulus
        self._truncate_id = event_id
        stimulus.item_id = item_id
        stimulus.truncate_sent_ns = now
        stimulus.truncate_audio_end_ms = audio_end_ms
        stimulus.truncate_heard_ms = heard_ms

    def close(self, now: int) -> Stimulus:
        """The finished stimulus, with everything that is known by now."""
        stimulus, reply = self.stimulus, self._reply
        stimulus.closed_ns = now if self._superseded_ns is None else min(now, self._superseded_ns)
        if reply is not None:
            self._measure_stop(reply)
            self._measure_stale(reply)
        stimulus.answer_audible_ns = self._answer_audible_ns()
        stimulus.resumed_ns = self._resumed_ns()
        return stimulus

    def _is_superseded(self, now: int) -> bool:
        return self._superseded_ns is not None and now >= self._superseded_ns

    def _react(self, event: ServerEvent, now: int) -> None:
        stimulus = self.stimulus
        match event:
            case SpeechStarted() if stimulus.speech_started_ns is None:
                stimulus.speech_started_ns = now
            case ResponseCreated() if stimulus.answer_created_ns is None:
                stimulus.answer_created_ns = now
                self._answer_id = string(event.response, "id")

    def _cut(self, now: int) -> None:
        """The service said that it stopped the answer: its writing, or over WebRTC its playing."""
        if self._reply is not None and self.stimulus.cancelled_ns is None:
            self.stimulus.cancelled_ns = now
            self._cancelled_media_ns = self._reply.playback.received_ns

    def _measure_stop(self, reply: Reply) -> None:
        stimulus, playback = self.stimulus, reply.playback
        stimulus.unheard_ms = (playback.received_ns - playback.heard_ns(stimulus.onset_ns)) / NS_PER_MS
        pieces = reply.audible_pieces()
        if pieces and reply.is_silent(stimulus.closed_ns):
            stimulus.silent_ns = max(piece.end_ns for piece in pieces)

    def _measure_stale(self, reply: Reply) -> None:
        stimulus, playback = self.stimulus, reply.playback
        stimulus.last_audio_ns = playback.last_arrival_ns
        if stimulus.cancelled_ns is None:
            return
        stimulus.stale_audio_ms = (playback.received_ns - self._cancelled_media_ns) / NS_PER_MS
        stale = reply.audible_pieces(from_media_ns=self._cancelled_media_ns)
        stimulus.stale_heard_ms = sum(piece.end_ns - piece.start_ns for piece in stale) / NS_PER_MS

    def _answer_audible_ns(self) -> int | None:
        answer = self._voice.reply(self._answer_id)
        sounds = [item.first_sound_ns for item in answer.items] if answer is not None else []
        first_ns = next((sound_ns for sound_ns in sounds if sound_ns is not None), None)
        if answer is None or first_ns is None:
            return None
        audible_ns = answer.playback.play_ns(first_ns)
        return audible_ns if audible_ns is not None and audible_ns <= self.stimulus.closed_ns else None

    def _resumed_ns(self) -> int | None:
        """When the agent was audible again after the interrupted answer had fallen silent."""
        stimulus = self.stimulus
        if stimulus.silent_ns is None:
            return None
        later = [
            piece.start_ns
            for reply in self._voice.replies
            if reply.response_id != stimulus.response_id
            for piece in reply.audible_pieces()
            if stimulus.silent_ns < piece.start_ns <= stimulus.closed_ns
        ]
        return min(later, default=None)
