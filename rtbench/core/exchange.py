"""What goes on between caller and agent: the agent's voice, the turn under way, stimuli, and what the caller's application does.

The application follows one policy (`script.InterruptionPolicy`). Under `flush_on_speech_started` it
acts on every `speech_started` that finds the agent playing, whatever sound caused it: it empties the
player, truncates the item to what was heard, and cancels the response where the service does not.
"""

from __future__ import annotations

from collections.abc import Callable

from rtbench.core.agent_voice import AgentVoice, Reply
from rtbench.core.client_events import (
    ClientEvent,
    InputAudioClear,
    ItemTruncate,
    OutputAudioClear,
    ResponseCancel,
)
from rtbench.core.json_fields import string
from rtbench.core.response_events import ResponseCreated, ResponseDone
from rtbench.core.rtp import Packet
from rtbench.core.script import Clip, Moment, Script
from rtbench.core.server_events import ServerEvent, SpeechStarted
from rtbench.core.stimuli import Stimulus
from rtbench.core.stimulus_fold import StimulusFold
from rtbench.core.streamed_voice import StreamedVoice
from rtbench.core.turn_fold import TurnFold
from rtbench.core.turns import Turn, TurnOutcome

NS_PER_MS = 1_000_000

Send = Callable[[ClientEvent, int], None]
"""Takes an event and the instant it is meant for."""


class Exchange:
    """The talk of one session. Finished turns and stimuli are handed out once."""

    def __init__(self, script: Script, send: Send) -> None:
        closely = script.speaks_into_answers
        self.stream = StreamedVoice(script.prebuffer_ns, listens_closely=closely) if script.streamed else None
        """The voice, where it comes as RTP."""

        self.voice = self.stream or AgentVoice(
            script.session.output_format, script.prebuffer_ns, listens_closely=closely
        )
        self.turn: TurnFold | None = None
        """The turn under way."""

        self._script = script
        self._send = send
        self._overtaken: list[TurnFold] = []
        self._stimuli: list[StimulusFold] = []
        self._active: set[str] = set()
        self._truncations = 0
        self._stimuli_made = 0
        self._answered = 0
        self._finished_turns: list[Turn] = []
        self._finished_stimuli: list[Stimulus] = []

    def receive(self, event: ServerEvent, now: int) -> None:
        """Take one server event. Raises ValueError where an audio payload cannot be decoded; it was then not received."""
        self.voice.take(event, now)
        match event:
            case ResponseCreated():
                self._active.add(string(event.response, "id"))
            case ResponseDone():
                self._active.discard(string(event.response, "id"))
        for stimulus in self._stimuli:
            stimulus.receive(event, now)
        if isinstance(event, SpeechStarted) and self._script.policy == "flush_on_speech_started":
            self._yield_floor(now, cancels=not self._script.session.interrupts_by_itself)
        for fold in (*self._overtaken, self.turn):
            if fold is not None:
                fold.receive(event, now)
        self._tell_news()

    def hear(self, packet: Packet, now: int) -> bool:
        """Take one packet of the agent's voice; whether anything but its length was learned from it."""
        if self.stream is None:
            return False
        self.stream.hear(packet, now)
        return self._tell_news()

    def settle(self, now: int) -> None:
        """Time has passed."""
        if self.stream is not None:
            self.stream.settle(now)
            self._tell_news()

    def open_turn(self, turn: Turn, clip: Clip) -> None:
        """The caller begins an utterance; a turn that was still under way is overtaken, and closed with this one."""
        if self.turn is not None:
            self.turn.overtaken = True
            self._overtaken.append(self.turn)
        self.turn = TurnFold(turn, self.voice, clip)

    def close_turn(self, outcome: TurnOutcome, error_class: str, now: int) -> Turn | None:
        """The turn under way is over, and with it all that belonged to it; None where there is none."""
        fold, self.turn = self.turn, None
        if fold is None:
            return None
        for overtaken in self._overtaken:
            heard = overtaken.turn.audible_ns is not None
            self._finish(overtaken.close("answered" if heard else "not_asked", "", now))
        self._overtaken.clear()
        turn = fold.close(outcome, error_class, now)
        self._finish(turn)
        self._forget(now)
        return turn

    def add_stimulus(self, stimulus: Stimulus, now: int) -> None:
        """The caller makes a sound; `onset_ns` may lie ahead."""
        for earlier in self._stimuli:
            earlier.supersede(stimulus.onset_ns)
        self._stimuli_made += 1
        stimulus.number = self._stimuli_made
        stimulus.policy = self._script.policy
        reply = self.voice.playing(now)
        if reply is not None:
            stimulus.response_id = reply.response_id
        producing = reply is not None and not reply.is_over
        self._stimuli.append(StimulusFold(stimulus, self.voice, producing=producing))

    def disturbed_until_ns(self) -> int | None:
        """When the last sound that was not to take the turn ended; None where nothing of that kind is open."""
        ends_ns = [fold.stimulus.end_ns for fold in self._stimuli if fold.stimulus.is_disturbance]
        return max(ends_ns, default=None)

    def close_stimuli(self, now: int) -> None:
        """The effects of all stimuli so far are known; those that were not made in the end are none."""
        self._finished_stimuli += [fold.close(now) for fold in self._stimuli if fold.stimulus.onset_ns <= now]
        self._stimuli.clear()
        self._forget(now)

    def cancel_by_hand(self, now: int) -> None:
        """What a push-to-talk application does when its button is pressed: silence the agent, and begin afresh."""
        self._yield_floor(now, cancels=True)
        self._send(InputAudioClear(), now)

    def moment_ns(self, moment: Moment) -> int | None:
        """When a moment of the turn's answer is heard; None as long as that cannot be known."""
        fold = self.turn
        if fold is None or fold.turn.audible_ns is None:
            return None
        if moment.elapsed_ns is not None:
            return fold.turn.audible_ns + moment.elapsed_ns
        if moment.fraction is None:
            return fold.heard_at_ns(moment.heard_ns or 0)
        reply = fold.reply
        length_ns = self.voice.length_ns(reply.response_id) if reply is not None else None
        if reply is None or not length_ns:
            return None
        return reply.playback.expected_play_ns(min(int(moment.fraction * length_ns), length_ns - 1))

    def quiet_ns(self, now: int) -> int | None:
        """When the agent will have been heard out, as far as is known; None while it has more to say."""
        return None if self._active else self.voice.quiet_ns(now)

    @property
    def answered(self) -> int:
        """Turns that were answered so far."""
        return self._answered

    def finished_turns(self) -> list[Turn]:
        finished, self._finished_turns = self._finished_turns, []
        return finished

    def finished_stimuli(self) -> list[Stimulus]:
        finished, self._finished_stimuli = self._finished_stimuli, []
        return finished

    def _finish(self, turn: Turn) -> None:
        self._answered += turn.outcome == "answered"
        self._finished_turns.append(turn)

    def _yield_floor(self, now: int, *, cancels: bool) -> None:
        """Empty the player and tell the service; nothing where nothing was playing or under way."""
        reply = self.voice.playing(now)
        if reply is not None:
            if self.stream is None:
                self._truncate(reply, now)
            else:
                self._note_heard(reply, now)
            self.voice.flush(now)
            for stimulus in self._stimuli:
                stimulus.flushed(reply.response_id, now)
        if cancels and self._active:
            self._send(ResponseCancel(), now)
            for stimulus in self._stimuli:
                stimulus.cancel_sent(self._active, now)
        if cancels and self.stream is not None and reply is not None and not reply.is_over:
            self._send(OutputAudioClear(), now)  # behind the cancel, as the API asks for it
            for stimulus in self._stimuli:
                stimulus.cancel_sent({reply.response_id}, now)

    def _truncate(self, reply: Reply, now: int) -> None:
        item = reply.item_heard(now)
        if item is None:
            return
        heard_ns = reply.playback.heard_ns(now) - item.media_ns
        audio_end_ms = heard_ns // NS_PER_MS  # rounded down: what is told must have been heard
        self._truncations += 1
        event_id = f"truncate_{self._truncations}"
        self._send(
            ItemTruncate(event_id=event_id, item_id=item.item_id, content_index=0, audio_end_ms=audio_end_ms),
            now,
        )
        for stimulus in self._stimuli:
            if stimulus.concerns(reply.response_id, now):
                stimulus.truncated(event_id, item.item_id, audio_end_ms, heard_ns / NS_PER_MS, now)

    def _note_heard(self, reply: Reply, now: int) -> None:
        """What was heard of an item that the service truncates by itself."""
        item = reply.item_heard(now)
        for stimulus in self._stimuli:
            if item is not None and stimulus.concerns(reply.response_id, now):
                stimulus.heard(item.item_id, (reply.playback.heard_ns(now) - item.media_ns) / NS_PER_MS)

    def _tell_news(self) -> bool:
        """Tell the turns what was learned of replies; whether there was anything."""
        news = self.stream.take_news() if self.stream is not None else []
        for reply in news:
            for fold in (*self._overtaken, self.turn):
                if fold is not None:
                    fold.hear(reply)
        return bool(news)

    def _forget(self, now: int) -> None:
        """Let go of the audio that nobody will ask for."""
        needed = {response_id for fold in self._stimuli for response_id in fold.replies}
        if self.turn is not None:
            needed |= self.turn.replies
        self.voice.forget_all_but(needed, now)
