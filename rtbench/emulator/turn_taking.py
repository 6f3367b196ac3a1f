"""Turn-taking: hears when the user speaks and stops, makes turns into items, and lets the agent answer."""

from __future__ import annotations

from typing import Protocol

from rtbench.core.audio import Audio
from rtbench.core.server_events import (
    InputAudioCleared,
    InputAudioCommitted,
    InputTimeoutTriggered,
    ItemAdded,
    ItemDone,
    SpeechStarted,
    SpeechStopped,
)
from rtbench.core.vad import SpeechEnd, SpeechStart
from rtbench.emulator.attention import Attention, Decision
from rtbench.emulator.conversation_items import ConversationItems, user_audio_item
from rtbench.emulator.endpointing import Endpointing
from rtbench.emulator.faults import CUT_IN, Faults
from rtbench.emulator.identifiers import Identifiers
from rtbench.emulator.idle_timer import IdleTimer
from rtbench.emulator.input_buffer import InputBuffer
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.responses import HeardAnswer
from rtbench.emulator.settings import Settings
from rtbench.emulator.transcription import Transcription
from rtbench.emulator.truth import Endpoint, Interruption, TruthLog

NS_PER_S = 1_000_000_000


class Agent(Protocol):
    """Who answers."""

    def heard(self, instant_ns: int) -> HeardAnswer | None:
        """The answer that is under way, or being heard then."""

    def interrupt(self, now: int) -> None:
        """The user speaks into the answer."""

    def answer(self, endpoint: Endpoint, now: int) -> None:
        """The user's turn is over."""

    def cut_in(self, endpoint: Endpoint, now: int) -> bool:
        """The user's turn is not over: answer it all the same. Whether it is done; an answer under way goes first."""


class TurnTaking:
    """The listening side of a session."""

    def __init__(
        self,
        *,
        identifiers: Identifiers,
        items: ConversationItems,
        outbox: Outbox,
        transcription: Transcription,
        agent: Agent,
        settings: Settings,
        min_speech_ms: float,
        endpointing: Endpointing,
        faults: Faults,
        truth: TruthLog,
    ) -> None:
        self._identifiers = identifiers
        self._items = items
        self._outbox = outbox
        self._transcription = transcription
        self._agent = agent
        self._settings = settings
        self._detection = settings.turn_detection
        self._input = InputBuffer(settings.input_format, self._detection, min_speech_ms, endpointing)
        self._faults = faults
        self._truth = truth
        self._attention = Attention(faults)
        self._idle = IdleTimer()
        self._item_id: str | None = None
        self._turn_start = 0
        self._unanswered: Endpoint | None = None
        self._cut_in_ns: int | None = None
        self._answered_early = False
        """The agent has cut in: what the user goes on to say is not answered once more."""

    def configure(self, settings: Settings) -> None:
        """Use other settings from here on."""
        if settings.input_format != self._settings.input_format or settings.turn_detection is None:
            self._forget_speech()
        self._settings = settings
        self._detection = settings.turn_detection
        self._input.configure(settings.input_format, self._detection)

    def hear(self, audio: Audio, now: int) -> bool:
        """More of the user's audio; whether anything happened in it. Raises ValueError where it is not base64."""
        edges = self._input.append(audio.data)
        for edge in edges:
            self._decide(edge, now)
        if edges:
            self._notice(now)
        return bool(edges)

    def commit(self, now: int) -> None:
        """End the user's turn by hand; nobody answers until asked. Raises Refusal where there is nothing to commit."""
        data = self._input.take_all()
        item_id = self._item_id or self._identifiers.item()
        self._forget_speech()
        self._idle.disarm()
        self._add_turn(item_id, data, now)
        self._unanswered = self._endpoint("manual", item_id, now)

    def clear(self, now: int) -> None:
        """Forget what was not committed."""
        self._input.clear()
        self._forget_speech()
        self._outbox.put(now, InputAudioCleared())

    def endpoint(self, now: int) -> Endpoint:
        """Where the last turn ended that nobody has answered yet; this very instant where there is none."""
        return self._unanswered or self._endpoint("client", "", now)

    def answered(self) -> None:
        """The agent answers what was said so far."""
        self._unanswered = None
        self._idle.disarm()

    def agent_done(self, quiet_ns: int) -> None:
        """The agent has answered, and will have been heard out at `quiet_ns`."""
        self._attention.answer_over(quiet_ns)
        if not self._input.speaking or not self._attention.idle:
            self._idle.arm(quiet_ns)

    def wake(self, now: int) -> None:
        """Notice what is due, cut in where that is, and look at the idle timer."""
        self._notice(now)
        if self._cut_in_ns is not None and now >= self._cut_in_ns:
            self._cut_in_ns = None
            if self._input.sounding:
                self._answered_early = self._agent.cut_in(self._endpoint("cut_in", "", now), now)
        quiet_sample = self._idle.expired(self._idle_timeout_ms, self._input.position, now)
        if quiet_sample is not None and self._detection is not None:
            self._time_out(quiet_sample, now)

    def next_wake(self) -> int | None:
        wakes = (self._attention.next_wake(), self._cut_in_ns, self._idle.next_wake(self._idle_timeout_ms))
        return min((wake for wake in wakes if wake is not None), default=None)

    @property
    def _idle_timeout_ms(self) -> int | None:
        return self._detection.idle_timeout_ms if self._detection else None

    def _decide(self, edge: SpeechStart | SpeechEnd, now: int) -> None:
        """What the VAD has found in audio that came at `now`."""
        answer = None
        if isinstance(edge, SpeechStart):
            answer = self._agent.heard(self._instant_ns(edge.sample, self._input.position, now))
        self._attention.take(Decision(edge, self._input.position, now, answer))
        self._input.keeps_all = not self._attention.idle

    def _notice(self, now: int) -> None:
        for decision in self._attention.noticed(now):
            if isinstance(decision.edge, SpeechStart):
                self._speech_started(decision, decision.edge, now)
            else:
                self._speech_stopped(decision, decision.edge, now)
        self._input.keeps_all = not self._attention.idle

    def _speech_started(self, decision: Decision, edge: SpeechStart, now: int) -> None:
        self._idle.disarm()
        self._item_id = item_id = self._identifiers.item()
        self._turn_start = self._input.turn_start(edge.sample)
        start_ms = self._input.ms(self._turn_start)
        if decision.answer is not None:
            interruption = Interruption(item_id, edge.sample, decision.position, decision.received_ns)
            self._truth.interrupted(decision.answer.response_id, interruption)
        self._outbox.put(now, SpeechStarted(item_id=item_id, audio_start_ms=start_ms))
        if self._detection is None:
            return
        if self._detection.interrupt_response:
            self._agent.interrupt(now)
        self._plan_cut_in(self._instant_ns(edge.sample, decision.position, decision.received_ns))

    def _plan_cut_in(self, speech_start_ns: int) -> None:
        self._answered_early = False
        after_ms = self._faults.strike_ms(CUT_IN)
        if after_ms is not None and self._detection is not None and self._detection.create_response:
            self._cut_in_ns = speech_start_ns + round(after_ms * 1e6)

    def _speech_stopped(self, decision: Decision, edge: SpeechEnd, now: int) -> None:
        item_id, self._item_id = self._item_id or self._identifiers.item(), None
        end = edge.decided_sample
        self._cut_in_ns = None
        self._outbox.put(now, SpeechStopped(item_id=item_id, audio_end_ms=self._input.ms(end)))
        self._add_turn(item_id, self._input.take(max(self._turn_start, self._input.start), end), now)
        semantic = self._detection is not None and self._detection.longest_wait_ms is not None
        endpoint = Endpoint(
            "semantic_vad" if semantic else "server_vad",
            item_id,
            self._input.rate_hz,
            decision.position,
            decision.received_ns,
            edge.sample,
        )
        answered_early, self._answered_early = self._answered_early, False
        if answered_early:
            return
        if self._detection is not None and self._detection.create_response:
            self._agent.answer(endpoint, now)
        else:
            self._unanswered = endpoint

    def _forget_speech(self) -> None:
        """Of speech that is under way nothing is told any more."""
        self._item_id = None
        self._cut_in_ns = None
        self._answered_early = False
        self._attention.forget()
        self._input.keeps_all = False

    def _instant_ns(self, sample: int, position: int, received_ns: int) -> int:
        """When a sample was said, where the one at `position` came at `received_ns`."""
        return received_ns - (position - sample) * NS_PER_S // self._input.rate_hz

    def _time_out(self, quiet_sample: int, now: int) -> None:
        item_id = self._identifiers.item()
        position = self._input.position
        self._outbox.put(
            now,
            InputTimeoutTriggered(
                item_id=item_id,
                audio_start_ms=self._input.ms(min(quiet_sample, position)),
                audio_end_ms=self._input.ms(position),
            ),
        )
        silence = self._input.take(max(quiet_sample, self._input.start), position)
        self._add_turn(item_id, silence, now, (position - quiet_sample) * 1000 / self._input.rate_hz)
        self._agent.answer(self._endpoint("idle_timeout", item_id, now), now)

    def _add_turn(self, item_id: str, data: bytes, now: int, audio_ms: float | None = None) -> None:
        """Make committed audio an item. `audio_ms` is given where part of its silence was let go."""
        fmt = self._settings.input_format
        audio = Audio(data)
        if audio_ms is None:
            audio_ms = fmt.duration_ns(len(data)) / 1e6
        item = user_audio_item(item_id, audio, audio_ms)
        previous = self._items.append(item)
        self._outbox.put(
            now,
            InputAudioCommitted(item_id=item_id, previous_item_id=previous),
            ItemAdded(item=item.json, previous_item_id=previous),
            ItemDone(item=item.json, previous_item_id=previous),
        )
        model = self._settings.transcription_model
        if model is not None:
            self._transcription.begin(item, audio, fmt, model, now)

    def _endpoint(self, trigger: str, item_id: str, now: int) -> Endpoint:
        return Endpoint(trigger, item_id, self._input.rate_hz, self._input.position, now)
