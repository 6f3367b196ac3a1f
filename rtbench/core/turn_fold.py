"""Folds what the caller sent, received and heard into one Turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtbench.core import pcm
from rtbench.core.audibility import AudibilityDetector
from rtbench.core.audio import AudioFormat
from rtbench.core.json_fields import count, string
from rtbench.core.playout import Playback, Player
from rtbench.core.response_events import (
    AudioDelta,
    AudioDone,
    AudioTranscriptDelta,
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    ResponseCreated,
    ResponseDone,
    TextDelta,
)
from rtbench.core.server_events import InputAudioCommitted, ServerEvent, SpeechStarted, SpeechStopped
from rtbench.core.turns import Turn, TurnOutcome

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class TurnFold:
    """One turn in the making.

    The turn's answer is the last response that the service began in it: where the service took a pause
    of the caller for the end, and cancelled its answer when the caller went on, that answer is
    forgotten and the next one counts.
    """

    def __init__(self, turn: Turn, player: Player, output_format: AudioFormat) -> None:
        self.turn = turn
        self._player = player
        self._format = output_format
        self._detector = AudibilityDetector(output_format.rate_hz)
        self._item_id = ""
        self._item_media_ns = 0
        self._audible_media_ns: int | None = None
        self._answer_is_over = False

    def receive(self, event: ServerEvent, now: int) -> None:
        """Take one server event, arrived at `now`. Raises ValueError where an audio payload cannot be decoded."""
        turn = self.turn
        match event:
            case AudioDelta():
                self._hear(event, now)
            case AudioTranscriptDelta() | TextDelta() if self._is_answer(event.response_id):
                turn.first_text_ns = turn.first_text_ns or now
            case SpeechStarted():
                turn.speech_started_ns = turn.speech_started_ns or now
            case SpeechStopped() if turn.first_audio_ns is None:
                turn.speech_stopped_ns = now
            case InputAudioCommitted() if not turn.response_id:
                turn.user_item_id = event.item_id
            case ResponseCreated():
                self._begin_answer(string(event.response, "id"), now)
            case FunctionArgumentsDelta() | FunctionArgumentsDone():
                turn.tool = turn.tool or self._is_answer(event.response_id)
            case AudioDone():
                self._player.finish(event.response_id, now)
                self._settle_audible()
            case ResponseDone():
                self._end_answer(event.response, now)

    @property
    def playback(self) -> Playback | None:
        """The answer in the player."""
        return self._player.playback(self.turn.response_id) if self.turn.response_id else None

    def over_ns(self) -> int | None:
        """When the answer is (or will be) complete and played; None while more of it may come."""
        if not self._answer_is_over or self.turn.response_done_ns is None:
            return None
        playback = self.playback
        return max(self.turn.response_done_ns, (playback and playback.end_ns()) or 0)

    def close(self, outcome: TurnOutcome, error_class: str, now: int) -> Turn:
        """The finished turn; the player forgets its answer."""
        turn = self.turn
        turn.outcome = outcome
        turn.error_class = error_class
        turn.closed_ns = now
        playback = self.playback
        if playback is not None:
            self._settle_audible()
            turn.audio_ms = playback.received_ns / NS_PER_MS
            turn.last_audio_ns = playback.last_arrival_ns
            turn.playout_end_ns = playback.end_ns()
            turn.chunks = playback.chunks
            turn.chunk_gap_max_ms = playback.chunk_gap_max_ns / NS_PER_MS
            turn.min_prebuffer_ms = playback.min_prebuffer_ns / NS_PER_MS
            turn.underrun_count = len(playback.underruns_ns)
            turn.underrun_total_ms = sum(playback.underruns_ns) / NS_PER_MS
            turn.underrun_max_ms = max(playback.underruns_ns, default=0) / NS_PER_MS
            self._player.forget(turn.response_id)
        return turn

    def _is_answer(self, response_id: str) -> bool:
        return response_id == self.turn.response_id

    def _begin_answer(self, response_id: str, now: int) -> None:
        if self.turn.response_id and not self._answer_is_over:
            return  # a second response beside the first: out of band, not the caller's answer
        if self.turn.response_status == "completed" and self.turn.audible_ns is not None:
            self._continue_answer(response_id)
            return
        self._forget_answer()
        self.turn.response_id = response_id
        self.turn.response_created_ns = now

    def _continue_answer(self, response_id: str) -> None:
        """A preamble was heard; the response that now begins says the rest."""
        self.turn.response_id = response_id
        self.turn.response_done_ns = None
        self._item_id = ""
        self._answer_is_over = False

    def _forget_answer(self) -> None:
        turn = self.turn
        if turn.response_id:
            self._player.forget(turn.response_id)
        turn.response_id = ""
        turn.response_status = turn.response_reason = turn.error_class = ""
        turn.response_created_ns = turn.response_done_ns = None
        turn.first_text_ns = turn.first_audio_ns = turn.audible_ns = turn.final_audible_ns = None
        turn.leading_silence_ms = turn.playout_wait_ms = None
        self._audible_media_ns = None
        self._item_id = ""
        self._answer_is_over = False

    def _hear(self, event: AudioDelta, now: int) -> None:
        playback = self._player.add(event.response_id, self._format.duration_ns(event.delta.size_bytes), now)
        turn = self.turn
        if not turn.response_id:
            turn.response_id = event.response_id
        if not self._is_answer(event.response_id):
            return
        if turn.first_audio_ns is None:
            turn.first_audio_ns = now
        if event.item_id != self._item_id:
            self._begin_item(event.item_id, playback, event)
        if self._detector.first_audible_sample is None:
            self._listen_for_sound(event)
        if self._audible_media_ns is not None and (turn.audible_ns is None or turn.final_audible_ns is None):
            self._settle_audible()

    def _begin_item(self, item_id: str, playback: Playback, event: AudioDelta) -> None:
        """A new item of the answer: look for its own first sound, the final answer's after a preamble."""
        self._item_id = item_id
        self._item_media_ns = playback.received_ns - self._format.duration_ns(event.delta.size_bytes)
        self._detector = AudibilityDetector(self._format.rate_hz)

    def _listen_for_sound(self, event: AudioDelta) -> None:
        self._detector.feed(pcm.decode(event.delta.data, self._format))
        sample = self._detector.first_audible_sample
        if sample is not None:
            self._audible_media_ns = self._item_media_ns + sample * NS_PER_S // self._format.rate_hz
            self.turn.final_audible_ns = None

    def _settle_audible(self) -> None:
        """Give the first sound its instant, once the player has one for it."""
        media_ns, playback = self._audible_media_ns, self.playback
        if media_ns is None or playback is None:
            return
        instant_ns = playback.play_ns(media_ns)
        if instant_ns is None:
            return
        turn = self.turn
        turn.final_audible_ns = instant_ns
        if turn.audible_ns is None:
            turn.audible_ns = instant_ns
            turn.leading_silence_ms = media_ns / NS_PER_MS
            turn.playout_wait_ms = playback.wait_ns(media_ns) / NS_PER_MS

    def _end_answer(self, response: Mapping[str, Any], now: int) -> None:
        response_id = string(response, "id")
        self._player.finish(response_id, now)
        if not self._is_answer(response_id):
            return
        self._settle_audible()
        turn = self.turn
        turn.response_done_ns = now
        turn.response_status = string(response, "status")
        turn.response_reason = string(response, "status_details", "reason")
        turn.error_class = string(response, "status_details", "error", "code")
        turn.input_text_tokens = count(response, "usage", "input_token_details", "text_tokens")
        turn.input_audio_tokens = count(response, "usage", "input_token_details", "audio_tokens")
        turn.cached_tokens = count(response, "usage", "input_token_details", "cached_tokens")
        turn.output_text_tokens = count(response, "usage", "output_token_details", "text_tokens")
        turn.output_audio_tokens = count(response, "usage", "output_token_details", "audio_tokens")
        self._answer_is_over = True
        if turn.response_reason == "turn_detected" and now < turn.user_speech_end_ns:
            self._forget_answer()
