"""The emulated session: the service's end of one connection, as a pure state machine.

It keeps `core.machine`'s order. `receive` takes core client events, and what a codec made of messages
that are none; every refusal is answered by an `error` event, after which the session goes on.
"""

from __future__ import annotations

import random
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rtbench.core.audio import Audio
from rtbench.core.client_events import (
    InputAudioAppend,
    InputAudioClear,
    InputAudioCommit,
    ItemCreate,
    ItemDelete,
    ItemRetrieve,
    ItemTruncate,
    Json,
    OutputAudioClear,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.server_events import (
    ErrorDetail,
    ErrorReceived,
    ItemAdded,
    ItemDeleted,
    ItemDone,
    ItemRetrieved,
    ItemTruncated,
    MalformedEvent,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
)
from rtbench.emulator import refusal
from rtbench.emulator.capacity import Occupancy
from rtbench.emulator.conversation_items import ConversationItems, client_item
from rtbench.emulator.endpointing import Endpointing
from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.faults import CUT_IN, EXPIRY, NO_ANSWER, TRUNCATION_REJECTED, Faults
from rtbench.emulator.identifiers import Identifiers
from rtbench.emulator.line import Line
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import DeltaOutput
from rtbench.emulator.playout import PlayoutBuffer
from rtbench.emulator.profile import Profile
from rtbench.emulator.recall import Memory
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.response_request import ResponseRequest, response_request
from rtbench.emulator.responses import HeardAnswer, Responses
from rtbench.emulator.settings import Settings
from rtbench.emulator.transcription import Transcription
from rtbench.emulator.truth import Endpoint, TruthLog, TruthRow
from rtbench.emulator.turn_taking import TurnTaking
from rtbench.emulator.unreadable import unreadable
from rtbench.emulator.voice import Voice

MAX_APPEND_BYTES = 15 * 1024 * 1024
"""Of one `input_audio_buffer.append` (API reference)."""


@dataclass(frozen=True)
class Service:
    """What all sessions of an emulator share."""

    profile: Profile
    voice: Voice
    recognizer: Recognizer
    occupancy: Occupancy = field(default_factory=Occupancy)


class EmulatedSession:
    """The model's end of a conversation (see `core.machine.Machine`).

    `token` makes its ids unique, `number` its draws: the nth session of a service with the same seed
    draws the same delays. `expires_at` is what the session shows, in Unix seconds. `line` is given for
    a WebRTC call; `configuration` is what a client has set before the session begins.
    """

    def __init__(
        self,
        service: Service,
        *,
        model: str,
        token: str,
        number: int,
        expires_at: int,
        line: Line | None = None,
        configuration: Json | None = None,
    ) -> None:
        """Raises Refusal for a configuration that is not allowed."""
        self._profile = profile = service.profile
        self._identifiers = Identifiers(token)
        self._settings = Settings.defaults(
            session_id=self._identifiers.session,
            model=model,
            expires_at=expires_at,
            line=None if line is None else line.input_format,
        )
        if configuration is not None:
            self._settings = self._settings.updated(configuration, spoken=False)
        self._outbox = Outbox()
        self._items = ConversationItems()
        self._truth = TruthLog()
        seed = f"{profile.seed}/{number}"
        rng = random.Random(seed)
        self._faults = Faults(profile.faults, seed, self._identifiers.session)
        self._occupancy = service.occupancy
        # The parts know the session without keeping it: its memory goes with it, and does not wait for a collection of
        # all objects, which holds the loop and is therefore rare in this process.
        session: EmulatedSession = weakref.proxy(self)
        self._responses = Responses(
            identifiers=self._identifiers,
            items=self._items,
            outbox=self._outbox,
            output=DeltaOutput(self._outbox) if line is None else PlayoutBuffer(self._outbox),
            truth=self._truth,
            voice=service.voice if line is None else line.voice,
            profile=profile,
            rng=rng,
            faults=self._faults,
            occupancy=self._occupancy,
            on_done=lambda now, playback_end_ns: session._response_done(now, playback_end_ns),  # noqa: PLW0108  # a bound method keeps it
        )
        self._memory = Memory(profile.recall, service.recognizer)
        self._transcription = Transcription(self._outbox, service.recognizer, profile, rng)
        endpointing = Endpointing(
            service.recognizer, self._faults, profile.semantic_error_rate, random.Random(f"{seed}/semantic")
        )
        self._turns = TurnTaking(
            identifiers=self._identifiers,
            items=self._items,
            outbox=self._outbox,
            transcription=self._transcription,
            agent=session,
            settings=self._settings,
            min_speech_ms=profile.min_speech.ms,
            endpointing=endpointing,
            faults=self._faults,
            truth=self._truth,
        )
        self._waiting: Endpoint | None = None
        self._expires_ns = 0
        self._next_wake: int | None = None
        self._rested = False
        """Nothing has changed since `_next_wake` was found: most calls are for audio in which nothing happens."""

        self._outcome: str | None = None

    @property
    def session_id(self) -> str:
        return self._identifiers.session

    @property
    def json(self) -> Json:
        """The session object, as it is in force."""
        return self._settings.json

    @property
    def outcome(self) -> str | None:
        """disconnected, or expired at the session's time limit."""
        return self._outcome

    def start(self, now: int) -> None:
        self._expires_ns = now + self._profile.session_limit.ns
        self._occupancy.enter()
        self._outbox.put(now, SessionCreated(session=self._settings.json))

    def receive(self, event: Any, now: int) -> None:
        if self._outcome is not None:
            return
        self._faults.now_ns = now
        try:
            # Nearly all events are these, and nothing in them can be late.
            if type(event) is InputAudioAppend:
                self._append(event.audio, now)
            else:
                self.wake(now)
                self._obey(event, now)
        except Refusal as refused:
            self._rested = False
            self._put_error(refused.detail(event.event_id or None), now)

    def wake(self, now: int) -> None:
        if self._outcome is not None:
            return
        self._rested = False
        self._faults.now_ns = now
        self._responses.wake(now)
        self._transcription.wake(now)
        self._turns.wake(now)
        if now >= self._expires_ns:
            self._faults.note(EXPIRY, setting=f"{self._profile.session_limit.s:g} s")
            minutes = self._profile.session_limit.s / 60
            message = f"Your session hit the maximum duration of {minutes:g} minutes."
            self._put_error(
                ErrorDetail(type=refusal.INVALID_REQUEST, code="session_expired", message=message), now
            )
            self._end("expired")

    def outgoing(self) -> list[Outgoing]:
        return self._outbox.take()

    def sent(self, event: Any, sent_ns: int) -> None:
        self._truth.stamp(event, sent_ns)

    def next_wake(self) -> int | None:
        if self._outcome is not None:
            return None
        if not self._rested:
            wakes = (
                self._responses.next_wake(),
                self._transcription.next_wake(),
                self._turns.next_wake(),
                self._expires_ns,
            )
            self._next_wake = min(wake for wake in wakes if wake is not None)
            self._rested = True
        return self._next_wake

    def truth_rows(self) -> list[TruthRow]:
        """What was truly applied in the responses that have ended since the last call."""
        return self._truth.take()

    def fault_rows(self) -> list[FaultRow]:
        """What the service itself did wrong on purpose since the last call; the line's faults are in `faulty_session`."""
        return self._faults.take_rows()

    def heard(self, instant_ns: int) -> HeardAnswer | None:
        """The answer that the caller hears, or waits for (see `turn_taking.Agent`)."""
        return self._responses.heard(instant_ns)

    def interrupt(self, now: int) -> None:
        """The user speaks into the answer (see `turn_taking.Agent`)."""
        self._waiting = None
        self._responses.interrupt(now)

    def answer(self, endpoint: Endpoint, now: int) -> None:
        """The user's turn is over: answer it, or once the answer under way has ended (see `turn_taking.Agent`)."""
        if self._responses.active is not None:
            self._waiting = endpoint
        elif self._faults.strikes(NO_ANSWER):
            self._faults.note(NO_ANSWER)
        else:
            request = self._recalling(response_request(self._settings))
            self._responses.create(request, endpoint, endpoint.trigger, now, self._settings)

    def cut_in(self, endpoint: Endpoint, now: int) -> bool:
        """The user is still speaking: answer, where no answer is under way (see `turn_taking.Agent`)."""
        if self._responses.active is not None:
            return False
        request = response_request(self._settings)
        response_id = self._responses.create(request, endpoint, endpoint.trigger, now, self._settings)
        self._faults.note(CUT_IN, response_id)
        return True

    def _response_done(self, now: int, playback_end_ns: int) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.answer(waiting, now)
        else:
            self._turns.agent_done(max(now, playback_end_ns))

    def _obey(self, event: Any, now: int) -> None:
        handler = _HANDLERS.get(type(event))
        self._rested = False
        if self._outcome is not None:
            return
        if handler is not None:
            handler(self, event, now)
        elif isinstance(event, Disconnected):
            self._end("disconnected")
        elif isinstance(event, UnknownEvent | MalformedEvent):
            raise unreadable(event)
        else:
            raise TypeError(f"{type(event).__name__} is not an event of a client")

    def _append(self, audio: Audio, now: int) -> None:
        if audio.size_bytes > MAX_APPEND_BYTES:
            raise refusal.too_long("audio", len(audio.base64), MAX_APPEND_BYTES * 4 // 3)
        try:
            if self._turns.hear(audio, now):
                self._rested = False
        except ValueError:
            raise refusal.invalid_audio("audio") from None

    def _update(self, event: SessionUpdate, now: int) -> None:
        self._settings = self._settings.updated(event.session, spoken=self._responses.spoken)
        self._turns.configure(self._settings)
        self._outbox.put(now, SessionUpdated(session=self._settings.json))

    def _create_item(self, event: ItemCreate, now: int) -> None:
        item = client_item(event.item, self._settings.input_format, self._identifiers.item())
        previous = self._items.insert(item, event.previous_item_id)
        self._outbox.put(
            now,
            ItemAdded(item=item.json, previous_item_id=previous),
            ItemDone(item=item.json, previous_item_id=previous),
        )

    def _delete_item(self, event: ItemDelete, now: int) -> None:
        self._items.delete(event.item_id)
        self._outbox.put(now, ItemDeleted(item_id=event.item_id))

    def _retrieve_item(self, event: ItemRetrieve, now: int) -> None:
        self._outbox.put(now, ItemRetrieved(item=self._items.retrieved(event.item_id)))

    def _truncate_item(self, event: ItemTruncate, now: int) -> None:
        try:
            if self._faults.strikes(TRUNCATION_REJECTED):
                self._faults.note(TRUNCATION_REJECTED, self._truth.response_of(event.item_id))
                raise refusal.not_truncated(event.item_id)
            self._items.truncate(event.item_id, event.content_index, event.audio_end_ms)
        except Refusal:
            self._truth.truncate_received(event.item_id, event.audio_end_ms, now, rejected=True)
            raise
        self._truth.truncate_received(event.item_id, event.audio_end_ms, now, rejected=False)
        self._outbox.put(
            now,
            ItemTruncated(
                item_id=event.item_id, content_index=event.content_index, audio_end_ms=event.audio_end_ms
            ),
        )

    def _create_response(self, event: ResponseCreate, now: int) -> None:
        request = self._recalling(response_request(self._settings, event.response))
        endpoint = self._turns.endpoint(now)
        trigger = "manual" if endpoint.trigger == "manual" else "client"
        if request.in_conversation and self._responses.active is None and self._faults.strikes(NO_ANSWER):
            self._faults.note(NO_ANSWER)
            self._turns.answered()
            return
        self._responses.create(request, endpoint, trigger, now, self._settings)
        if request.in_conversation:
            self._turns.answered()

    def _recalling(self, request: ResponseRequest) -> ResponseRequest:
        """A request whose answer is what the session knows of what was asked."""
        clip = self._memory.answer(self._items, self._settings.input_format)
        return replace(request, reply=clip) if clip else request

    def _put_error(self, detail: ErrorDetail, now: int) -> None:
        self._outbox.put(now, ErrorReceived(error=detail))

    def _end(self, outcome: str) -> None:
        self._outcome = outcome
        self._occupancy.leave()
        self._truth.abandon()


_HANDLERS: dict[type[Any], Callable[[EmulatedSession, Any, int], None]] = {
    SessionUpdate: EmulatedSession._update,
    InputAudioCommit: lambda session, event, now: session._turns.commit(now),
    InputAudioClear: lambda session, event, now: session._turns.clear(now),
    OutputAudioClear: lambda session, event, now: session._responses.clear_output(now),
    ItemCreate: EmulatedSession._create_item,
    ItemDelete: EmulatedSession._delete_item,
    ItemRetrieve: EmulatedSession._retrieve_item,
    ItemTruncate: EmulatedSession._truncate_item,
    ResponseCreate: EmulatedSession._create_response,
    ResponseCancel: lambda session, event, now: session._responses.cancel(event.response_id, now),
}
