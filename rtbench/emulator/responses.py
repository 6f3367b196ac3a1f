"""The responses of a session: one at a time for the conversation, any number out of band."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rtbench.core.server_events import ItemTruncated
from rtbench.emulator import usage
from rtbench.emulator.answer import CONTENT_INDEX, Answer, FunctionCall, SpokenAnswer, WrittenAnswer
from rtbench.emulator.capacity import RATE_LIMIT_EXCEEDED, Occupancy
from rtbench.emulator.conversation_items import ConversationItems, client_item
from rtbench.emulator.delays import Delay
from rtbench.emulator.faults import LATE_ANSWER, LATE_CANCEL, NO_SLOT, STALE_AUDIO, Faults
from rtbench.emulator.identifiers import Identifiers
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import Output
from rtbench.emulator.plan import Plan, make_plan
from rtbench.emulator.profile import Profile
from rtbench.emulator.rate_limits import RateLimits
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.response import CLIENT_CANCELLED, TURN_DETECTED, Cancellation, Response
from rtbench.emulator.response_request import ResponseRequest
from rtbench.emulator.settings import Settings
from rtbench.emulator.truth import Endpoint, TruthLog, TruthRow
from rtbench.emulator.usage import Tokens
from rtbench.emulator.voice import Speech

NOT_YET = (1 << 63) - 1
"""In place of an instant that nobody knows, as it depends on what is still to be said."""


class HeardAnswer(NamedTuple):
    """The answer that a caller is hearing, or waiting for."""

    response_id: str
    until_ns: int
    """When it will have been heard out; NOT_YET while it is under way."""

    sounds: bool
    """Whether any of it has been given out."""


class Responses:
    """Makes responses, drives them on, and cancels them.

    `on_done(now, playback_end_ns)` is called when a response of the conversation has come to its end
    by itself or by the client's wish.
    """

    def __init__(
        self,
        *,
        identifiers: Identifiers,
        items: ConversationItems,
        outbox: Outbox,
        output: Output,
        truth: TruthLog,
        voice: Speech,
        profile: Profile,
        rng: random.Random,
        faults: Faults,
        occupancy: Occupancy,
        on_done: Callable[[int, int], None],
    ) -> None:
        self._identifiers = identifiers
        self._items = items
        self._outbox = outbox
        self._output = output
        self._truth = truth
        self._voice = voice
        self._profile = profile
        self._rng = rng
        self._faults = faults
        self._occupancy = occupancy
        self._on_done = on_done
        self._rate_limits = RateLimits()
        self._active: Response | None = None
        self._out_of_band: list[Response] = []
        self._past: list[Response] = []
        """The conversation's last response, and any before it of which stale audio is still sent."""

        self._silence: tuple[int, int] | None = None
        """When the output is to be cleared, and how much of it is played all the same."""

        self._read = Tokens()
        self.spoken = False
        """Audio has been given out: the voice is frozen from here on."""

    @property
    def active(self) -> Response | None:
        """The conversation's response under way."""
        return self._active

    def heard(self, instant_ns: int) -> HeardAnswer | None:
        """The answer under way, or the last one if a caller who plays it in real time still hears it then."""
        if self._active is not None:
            return HeardAnswer(self._active.id, NOT_YET, self._active.sounds)
        last = self._past[-1] if self._past else None
        if last is None or last.playback_end_ns <= instant_ns:
            return None
        if last.silenced and not self._output.holds(last.id):
            return None
        return HeardAnswer(last.id, last.playback_end_ns, last.sounds)

    def create(
        self, request: ResponseRequest, endpoint: Endpoint, trigger: str, now: int, settings: Settings
    ) -> str:
        """Begin a response; its id. Raises Refusal where the conversation has one already, or an input item is unknown."""
        if request.in_conversation and self._active is not None:
            raise Refusal(
                f"Conversation already has an active response in progress: {self._active.id}. "
                "Wait until the response is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        context = self._context(request, settings)
        late_ms = self._faults.strike_ms(LATE_ANSWER) or 0.0
        slow_down_ms = self._occupancy.slow_down_ms(self._profile.capacity)
        free = make_plan(request, self._voice, self._profile, self._rng, now, late_ms + slow_down_ms)
        plan = self._within_capacity(free, now)
        response_id = self._identifiers.response()
        if plan.refused:
            self._faults.note(NO_SLOT, response_id, RATE_LIMIT_EXCEEDED)
        elif late_ms:
            self._faults.note(LATE_ANSWER, response_id, lasts_ns=round(late_ms * 1e6))
        answer = self._answer(response_id, request)
        row = self._row(response_id, request, plan, endpoint, trigger)
        row.answer_item_id = answer.item_id
        row.queued_ms = (plan.first_ns - free.first_ns) / 1e6 if not plan.refused else 0.0
        row.slow_down_ms = slow_down_ms
        response = Response(
            response_id,
            request,
            plan,
            answer,
            conversation_id=self._identifiers.conversation if request.in_conversation else None,
            context=context,
            cached=self._read.least(context) if request.input is None else Tokens(),
            row=row,
            output=self._output,
        )
        self._truth.open(row)
        if request.in_conversation:
            self._release_past()
            self._active = response
        else:
            self._truth.release(response_id)
            self._out_of_band.append(response)
        response.start(self._outbox, self._items, self._rate_limits.use(context.total, now), now)
        self._advance(response, now)
        return response_id

    def cancel(self, response_id: str | None, now: int) -> None:
        """Cancel as a client asks. Raises Refusal where no such response is under way."""
        for response in filter(None, (self._active, *self._out_of_band)):
            if response_id == response.id or (response_id is None and response is self._active):
                self._truth.cancel_received(response.id, now)
                self._cancel(response, now, now, CLIENT_CANCELLED)
                return
        raise Refusal("Cancellation failed: no active response found", code="response_cancel_not_active")

    def interrupt(self, now: int) -> None:
        """The user speaks: the conversation's response, if there is one, ends here, or later by a fault.

        With it ends what the service plays of it, or still plays of the one before.
        """
        active = self._active
        heard = active or (self._past[-1] if self._past else None)
        plays = heard is not None and self._output.holds(heard.id)
        if self._past:
            self._past[-1].interrupted = True
        if active is None and not plays:
            return
        late_ns = self._faults.strike_ns(LATE_CANCEL)
        if late_ns and heard is not None and self._sounds_at(heard, now + late_ns):
            self._faults.note(LATE_CANCEL, heard.id, lasts_ns=late_ns)
        if plays:
            self._silence = (now + late_ns, self._faults.strike_ns(STALE_AUDIO))
            self._fall_silent(now)
        if active is not None:
            self._cancel(active, now + late_ns, now, TURN_DETECTED)

    def _sounds_at(self, response: Response, instant_ns: int) -> bool:
        """Whether a response would not be over by then, with nobody speaking into it."""
        played_ns = self._output.heard_out_ns(response.id, 0) if self._output.holds(response.id) else 0
        return max(played_ns, response.end_ns if response is self._active else 0) > instant_ns

    def clear_output(self, now: int) -> None:
        """Stop speaking, as a client asks. Raises Refusal where it is the client who plays."""
        self._output.refuse_clear()
        self._silence = (now, 0)
        self._fall_silent(now)
        if self._active is not None and self._active.request.modality == "audio":
            self._cancel(self._active, now, now, CLIENT_CANCELLED)

    def wake(self, now: int) -> None:
        """Send what is due."""
        self._fall_silent(now)
        for response in tuple(self._all()):
            self._advance(response, now)
        self._output.wake(now)

    def next_wake(self) -> int | None:
        wakes = [response.next_wake() for response in self._all()]
        wakes += [self._output.next_wake(), self._silence[0] if self._silence else None]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _all(self) -> Iterator[Response]:
        """All of which something may come; stale audio of the past before the present."""
        yield from self._past
        if self._active is not None:
            yield self._active
        yield from self._out_of_band

    def _advance(self, response: Response, now: int) -> None:
        was_finished, had_stale = response.finished, response.stale_ms > 0
        response.advance(self._outbox, self._items, now)
        if response.stale_ms and not had_stale:
            self._faults.note(STALE_AUDIO, response.id)
        self.spoken = self.spoken or response.sounds
        self._output.wake(now)
        if response.finished and not was_finished:
            self._retire(response, now)

    def _cancel(self, response: Response, due_ns: int, now: int, reason: str) -> None:
        stale_ns = 0
        if response is self._active and not self._output.plays:
            stale_ns = self._faults.strike_ns(STALE_AUDIO)
        response.cancel(Cancellation(due_ns, reason, stale_ns))
        self._advance(response, now)

    def _fall_silent(self, now: int) -> None:
        """Clear the output where that is due; items keep what was heard of them, as the service knows it."""
        if self._silence is None or now < self._silence[0]:
            return
        (due_ns, stale_ns), self._silence = self._silence, None
        for cleared in self._output.clear(due_ns, stale_ns):
            self._truth.cleared(cleared)
            if cleared.stale_ms:
                self._faults.note(STALE_AUDIO, cleared.response_id)
            if cleared.item_id in self._items:
                heard_ms = int(cleared.played_ms)
                self._items.truncate(cleared.item_id, CONTENT_INDEX, heard_ms)
                truncated = ItemTruncated(
                    item_id=cleared.item_id, content_index=CONTENT_INDEX, audio_end_ms=heard_ms
                )
                self._outbox.put(due_ns, truncated)

    def _release_past(self) -> None:
        """What can still happen to a response, other than stale audio, ends where the next one begins."""
        for response in self._past:
            if response.next_wake() is None:
                self._truth.release(response.id)
        self._past = [response for response in self._past if response.next_wake() is not None]

    def _retire(self, response: Response, now: int) -> None:
        if response is not self._active:
            self._out_of_band.remove(response)
            return
        self._active = None
        self._past.append(response)
        if response.request.input is None:
            self._read = response.context
        self._on_done(now, response.playback_end_ns)

    def _within_capacity(self, plan: Plan, now: int) -> Plan:
        """The plan, begun when there is a slot for it; a refusal where there is not even a place to wait."""
        capacity = self._profile.capacity

        def hold_ns() -> int:
            if capacity is None or capacity.hold is None:
                return plan.last_ns - now
            hold: Delay = capacity.hold
            return round(hold.draw_ms(self._rng) * 1e6)

        place = self._occupancy.take_slot(capacity, now, hold_ns)
        return plan.refusal(now) if place is None else plan.later(place.queued_ns)

    def _answer(self, response_id: str, request: ResponseRequest) -> Answer:
        item_id = self._identifiers.item()
        if request.function is not None:
            return FunctionCall(response_id, item_id, self._identifiers.call(), request.function["name"])
        kind = SpokenAnswer if request.modality == "audio" else WrittenAnswer
        return kind(response_id, item_id)

    def _context(self, request: ResponseRequest, settings: Settings) -> Tokens:
        """What the model reads: instructions, tools, and the conversation or the response's own input."""
        tools = "".join(str(dict(tool)) for tool in request.tools)
        prompt = Tokens(text=usage.text_tokens(request.instructions + tools))
        if request.input is None:
            return sum((item.tokens() for item in self._items), prompt)
        return sum(
            (self._input_tokens(item, index, settings) for index, item in enumerate(request.input)), prompt
        )

    def _input_tokens(self, written: Any, index: int, settings: Settings) -> Tokens:
        param = f"response.input[{index}]"
        if written["type"] != "item_reference":
            return client_item(written, settings.input_format, "", param).tokens()
        item = next((item for item in self._items if item.id == written["id"]), None)
        if item is None:
            message = f"Item with id '{written['id']}' not found in conversation."
            raise Refusal(message, code="invalid_value", param=f"{param}.id")
        return item.tokens()

    def _row(
        self, response_id: str, request: ResponseRequest, plan: Plan, endpoint: Endpoint, trigger: str
    ) -> TruthRow:
        return TruthRow(
            session_id=self._identifiers.session,
            response_id=response_id,
            item_id=endpoint.item_id,
            trigger=trigger,
            input_rate_hz=endpoint.input_rate_hz,
            vad_speech_end_sample=endpoint.vad_speech_end_sample,
            endpoint_sample=endpoint.sample,
            endpoint_received_ns=endpoint.received_ns,
            response_delay_drawn_ms=plan.response_delay_ms,
            leading_silence_ms=plan.leading_silence_ms,
            audible_offset_ms=plan.audible_offset_ms,
            reply=plan.reply,
            out_of_band=not request.in_conversation,
            transport="webrtc" if self._output.plays else "websocket",
        )
