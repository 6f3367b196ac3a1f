"""Folds what the caller sent, received and heard into one Turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rtbench.core.agent_voice import AgentVoice, Reply, SpokenItem, Stretch
from rtbench.core.json_fields import count, string
from rtbench.core.playout import Playback
from rtbench.core.response_events import (
    AudioDelta,
    AudioTranscriptDelta,
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    ResponseCreated,
    ResponseDone,
    TextDelta,
)
from rtbench.core.script import Clip
from rtbench.core.server_events import (
    InputAudioCommitted,
    OutputAudioCleared,
    OutputAudioStarted,
    OutputAudioStopped,
    ServerEvent,
    SpeechStarted,
    SpeechStopped,
)
from rtbench.core.turns import Turn, TurnOutcome

NS_PER_MS = 1_000_000


class _Sound(NamedTuple):
    """The first audible sample of an item, by its media position in the player."""

    playback: Playback
    media_ns: int


class TurnFold:
    """One turn in the making.

    The turn's answer is the last response that the service began in it. Where the service took a pause
    of the caller for the end, and gave up or had given its answer when the caller went on, that answer
    is premature: it is forgotten, and the next one counts.
    """

    def __init__(self, turn: Turn, voice: AgentVoice, clip: Clip | None = None) -> None:
        """`clip` begins at the turn's speech start less its own; its holds are where the service may cut in."""
        self.turn = turn
        self.overtaken = False
        """The caller has gone on to another turn; what still comes of this one's answer is taken."""

        self.progress_ns = 0
        """When something of the answer last arrived."""

        self._voice = voice
        self._answer_ids: list[str] = []
        self._first_sound: _Sound | None = None
        self._final_sound: _Sound | None = None
        self._answer_is_over = False
        self._holds = _holds(turn, clip)
        self._cut_holds: set[int] = set()
        self._stop_is_known = False
        turn.hold_pauses = 0 if turn.kind == "manual" else len(self._holds)
        voice.caller_until_ns = turn.user_speech_end_ns

    def receive(self, event: ServerEvent, now: int) -> None:
        """Take one server event, arrived at `now`; audio after the voice has taken it."""
        turn = self.turn
        if self._is_answer(getattr(event, "response_id", "")):
            self.progress_ns = now
        match event:
            case AudioDelta():
                self._hear(self._voice.reply(event.response_id), now)
            case AudioTranscriptDelta() | TextDelta() if self._is_answer(event.response_id):
                turn.first_text_ns = turn.first_text_ns or now
            case FunctionArgumentsDelta() | FunctionArgumentsDone():
                turn.tool = turn.tool or self._is_answer(event.response_id)
            case ResponseDone():
                self._end_answer(event.response, now)
            case OutputAudioStarted() if self._is_answer(event.response_id):
                turn.output_started_ns = turn.output_started_ns or now
            case OutputAudioStopped() if self._is_answer(event.response_id):
                turn.output_stopped_ns = now
            case OutputAudioCleared() if self._is_answer(event.response_id):
                turn.output_cleared_ns = now
            case _ if not self.overtaken:
                self._take_turn_event(event, now)
        self._settle_audible()

    def hear(self, reply: Reply) -> None:
        """Something was learned of a reply that comes as RTP."""
        if self._is_answer(reply.response_id):
            self.progress_ns = max(self.progress_ns, reply.playback.last_arrival_ns)
            self._hear(reply, reply.playback.first_arrival_ns)
            self._settle_audible()

    @property
    def replies(self) -> set[str]:
        """Responses whose audio is still needed."""
        return set(self._answer_ids)

    @property
    def reply(self) -> Reply | None:
        """The answer's audio."""
        return self._voice.reply(self.turn.response_id) if self.turn.response_id else None

    @property
    def answer_is_over(self) -> bool:
        """The service has ended its answer, though it may still be playing."""
        return self._answer_is_over

    def heard_at_ns(self, media_ns: int) -> int | None:
        """When so much of the answer will have been heard from its first audible sample on; None while that is open."""
        first = self._first_sound
        if first is None:
            return None
        position_ns = first.media_ns + media_ns
        playbacks = self._playbacks()
        for playback in playbacks[playbacks.index(first.playback) :]:
            play_ns = playback.expected_play_ns(position_ns)
            if play_ns is not None or position_ns < playback.received_ns:
                return play_ns
            position_ns -= playback.received_ns
        return None

    def over_ns(self) -> int | None:
        """When the answer is (or will be) complete and played; None while more of it may come."""
        if not self._answer_is_over or self.turn.response_done_ns is None:
            return None
        over_ns = self.turn.response_done_ns
        for response_id in self._answer_ids:
            complete_ns = self._voice.complete_ns(response_id)
            if complete_ns is None:
                return None
            over_ns = max(over_ns, complete_ns)
        return max(over_ns, *(playback.end_ns() or 0 for playback in self._playbacks()), 0)

    def close(self, outcome: TurnOutcome, error_class: str, now: int) -> Turn:
        """The finished turn."""
        turn = self.turn
        turn.outcome = outcome
        turn.error_class = error_class
        turn.closed_ns = now
        self._settle_audible()
        self._note_cut_in()
        if turn.kind != "manual":
            turn.false_cutoffs = len(self._cut_holds)
        self._sum_up_delivery(self._playbacks())
        turn.overlap_ms = self._overlap_ns(now) / NS_PER_MS
        return turn

    def _take_turn_event(self, event: ServerEvent, now: int) -> None:
        turn = self.turn
        match event:
            case SpeechStarted():
                turn.speech_started_ns = turn.speech_started_ns or now
                if self._answer_is_premature():
                    self._forget_answer()
            case SpeechStopped():
                self._note_stop(now)
                if turn.first_audio_ns is None:
                    turn.speech_stopped_ns = now
            case InputAudioCommitted() if not turn.response_id:
                turn.user_item_id = event.item_id
            case ResponseCreated():
                self._note_answer(now)
                self._begin_answer(string(event.response, "id"), now)

    def _note_stop(self, now: int) -> None:
        """The service hears the end of speech: a mistake where it was a pause, even if the caller has gone on since."""
        self._stop_is_known = True
        if now < self.turn.user_speech_end_ns:
            begun = [index for index, hold in enumerate(self._holds) if hold.start_ns <= now]
            self._cut_holds.update(begun[-1:])

    def _note_answer(self, now: int) -> None:
        """The service answers: a mistake of its own within a pause, where it has not said that speech is over."""
        if not self._stop_is_known:
            self._cut_holds.update(
                index for index, hold in enumerate(self._holds) if hold.start_ns <= now < hold.end_ns
            )
        self._stop_is_known = False

    def _note_cut_in(self) -> None:
        audible_ns = self.turn.audible_ns
        if audible_ns is not None and audible_ns < self.turn.user_speech_end_ns:
            self.turn.agent_cut_in = True

    def _overlap_ns(self, now: int) -> int:
        """Time up to `now` for which both spoke; in a pause of the caller's only the agent does."""
        starts_ns = [self.turn.user_speech_start_ns, *(hold.end_ns for hold in self._holds)]
        ends_ns = [*(hold.start_ns for hold in self._holds), self.turn.user_speech_end_ns]
        return sum(
            piece.end_ns - piece.start_ns
            for start_ns, end_ns in zip(starts_ns, ends_ns, strict=True)
            for piece in self._voice.audible_pieces(start_ns, max(start_ns, min(end_ns, now)))
        )

    def _playbacks(self) -> list[Playback]:
        """The answer in the player; more than one where responses came one after the other."""
        found = (self._voice.reply(response_id) for response_id in self._answer_ids)
        return [reply.playback for reply in found if reply is not None]

    def _sum_up_delivery(self, playbacks: list[Playback]) -> None:
        if not playbacks:
            return
        turn, last = self.turn, playbacks[-1]
        underruns_ns = [gap_ns for playback in playbacks for gap_ns in playback.underruns_ns]
        turn.audio_ms = sum(playback.received_ns for playback in playbacks) / NS_PER_MS
        turn.last_audio_ns = last.last_arrival_ns
        turn.playout_end_ns = last.end_ns()
        turn.chunks = sum(playback.chunks for playback in playbacks)
        if turn.chunks > len(playbacks):
            turn.chunk_gap_max_ms = max(playback.chunk_gap_max_ns for playback in playbacks) / NS_PER_MS
        turn.min_prebuffer_ms = max(playback.min_prebuffer_ns for playback in playbacks) / NS_PER_MS
        turn.underrun_count = len(underruns_ns)
        turn.underrun_total_ms = sum(underruns_ns) / NS_PER_MS
        turn.underrun_max_ms = max(underruns_ns, default=0) / NS_PER_MS

    def _is_answer(self, response_id: str) -> bool:
        return response_id != "" and response_id == self.turn.response_id

    def _answer_is_premature(self) -> bool:
        """Whether the answer was over before the caller had finished speaking."""
        done_ns = self.turn.response_done_ns
        return self._answer_is_over and done_ns is not None and done_ns < self.turn.user_speech_end_ns

    def _begin_answer(self, response_id: str, now: int) -> None:
        turn = self.turn
        if turn.response_id and not self._answer_is_over:
            return  # a second response beside the first: out of band, not the caller's answer
        if self._has_been_answered():
            return  # a sound of the caller's drew another answer; this turn has had its own
        if self._answer_is_premature():
            self._forget_answer()
        if turn.response_status == "completed" and turn.audible_ns is not None:
            turn.response_done_ns = None  # a preamble was heard; this response says the rest
        else:
            self._forget_answer()
            turn.response_created_ns = now
        turn.response_id = response_id
        self._answer_ids.append(response_id)
        self._answer_is_over = False
        self.progress_ns = now

    def _has_been_answered(self) -> bool:
        """The answer was heard after the caller had finished, and then cut off."""
        turn = self.turn
        was_cut = self._answer_is_over and turn.response_status == "cancelled"
        return was_cut and turn.audible_ns is not None and not self._answer_is_premature()

    def _forget_answer(self) -> None:
        self._settle_audible()
        self._note_cut_in()
        turn = self.turn
        turn.response_id = ""
        turn.response_status = turn.response_reason = turn.error_class = ""
        turn.response_created_ns = turn.response_done_ns = None
        turn.first_text_ns = turn.first_audio_ns = turn.audible_ns = turn.final_audible_ns = None
        turn.leading_silence_ms = turn.playout_wait_ms = None
        turn.output_started_ns = turn.output_stopped_ns = turn.output_cleared_ns = None
        self._answer_ids.clear()
        self._first_sound = self._final_sound = None
        self._answer_is_over = False

    def _hear(self, reply: Reply | None, now: int) -> None:
        if reply is None or not self._is_answer(reply.response_id):
            return
        if self.turn.first_audio_ns is None:
            # Some of it may have come before its response was told of, and been played.
            self.turn.first_audio_ns = min(now, reply.playback.first_arrival_ns)
        self._note_sound(reply, reply.items[-1])

    def _note_sound(self, reply: Reply, item: SpokenItem) -> None:
        """The first sound of an item: the answer's own, or the final answer's after a preamble."""
        if item.first_sound_ns is None:
            return
        sound = _Sound(reply.playback, item.first_sound_ns)
        if self._first_sound is None:
            self._first_sound = self._final_sound = sound
        elif sound not in (self._first_sound, self._final_sound):
            self._final_sound = sound
            self.turn.final_audible_ns = None

    def _settle_audible(self) -> None:
        """Give the first sounds their instants, once the player has them; a flush may come before they are heard."""
        turn, first, final = self.turn, self._first_sound, self._final_sound
        if first is not None and (turn.audible_ns is None or first.playback.flushed_at_ns is not None):
            turn.audible_ns = first.playback.play_ns(first.media_ns)
            is_heard = turn.audible_ns is not None
            turn.leading_silence_ms = first.media_ns / NS_PER_MS if is_heard else None
            turn.playout_wait_ms = first.playback.wait_ns(first.media_ns) / NS_PER_MS if is_heard else None
        if final is not None and final is not first and turn.final_audible_ns is None:
            turn.final_audible_ns = final.playback.play_ns(final.media_ns)

    def _end_answer(self, response: Mapping[str, Any], now: int) -> None:
        if not self._is_answer(string(response, "id")) or self._answer_is_over:
            return
        turn = self.turn
        turn.response_done_ns = now
        turn.response_status = string(response, "status")
        turn.response_reason = string(response, "status_details", "reason")
        turn.error_class = string(response, "status_details", "error", "code")
        self._add_usage(response)
        self._answer_is_over = True
        self._settle_audible()
        if turn.response_reason == "turn_detected" and self._answer_is_premature():
            self._forget_answer()

    def _add_usage(self, response: Mapping[str, Any]) -> None:
        """Tokens of every answer of the turn: a premature one has its price too."""
        turn = self.turn
        turn.input_text_tokens += count(response, "usage", "input_token_details", "text_tokens")
        turn.input_audio_tokens += count(response, "usage", "input_token_details", "audio_tokens")
        turn.cached_tokens += count(response, "usage", "input_token_details", "cached_tokens")
        turn.output_text_tokens += count(response, "usage", "output_token_details", "text_tokens")
        turn.output_audio_tokens += count(response, "usage", "output_token_details", "audio_tokens")


def _holds(turn: Turn, clip: Clip | None) -> list[Stretch]:
    """The utterance's own pauses, as instants."""
    if clip is None:
        return []
    begun_ns = turn.user_speech_start_ns - clip.speech_start_ns
    return [Stretch(begun_ns + start_ns, begun_ns + end_ns) for start_ns, end_ns in clip.holds]
