"""One response from `response.created` to `response.done`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtbench.core.audio import NS_PER_S, Audio
from rtbench.core.client_events import Json
from rtbench.core.response_events import OutputItemAdded, OutputItemDone, ResponseCreated, ResponseDone
from rtbench.core.server_events import ItemAdded, ItemDone, RateLimitsUpdated
from rtbench.emulator.answer import OUTPUT_INDEX, Answer
from rtbench.emulator.capacity import RATE_LIMIT_EXCEEDED
from rtbench.emulator.conversation_items import ConversationItems, Item
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import Output
from rtbench.emulator.plan import Beat, Plan
from rtbench.emulator.response_request import ResponseRequest
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.usage import Tokens, response_usage

TURN_DETECTED = "turn_detected"
CLIENT_CANCELLED = "client_cancelled"
MAX_OUTPUT_TOKENS = "max_output_tokens"
RATE_LIMIT_TYPE = "rate_limit_error"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Where an answer is to be broken off."""

    due_ns: int
    reason: str
    """turn_detected or client_cancelled."""

    stale_ns: int = 0
    """Audio that is sent after it all the same, where the answer had begun to sound."""


class Response:
    """An answer under way: sends each beat of its plan when it is due, and can be cancelled between two.

    The order of events is that of the API's guide; `rate_limits.updated` comes at the beginning, as its
    reference says. Items are told of to the conversation only where the response belongs to it.
    """

    def __init__(
        self,
        response_id: str,
        request: ResponseRequest,
        plan: Plan,
        answer: Answer,
        *,
        conversation_id: str | None,
        context: Tokens,
        cached: Tokens,
        row: TruthRow,
        output: Output,
    ) -> None:
        self.id = response_id
        self.request = request
        self.context = context
        self.answer = answer
        self.finished = False
        self.interrupted = False
        """The user has spoken into it."""

        self._plan = plan
        self._conversation_id = conversation_id
        self._cached = cached
        self._row = row
        self._output = output
        self._item: Item | None = None
        self._next = 0
        self._cancellation: Cancellation | None = None
        self._stale_ns = 0

    def next_wake(self) -> int | None:
        """When the next beat is due, or the end where nothing is left to say; None once nothing more will come."""
        beats = self._plan.beats
        all_sent = self._next == len(beats)
        if self.finished:
            return beats[self._next].due_ns if self._stale_ns and not all_sent else None
        due_ns = self.end_ns if all_sent else beats[self._next].due_ns
        return due_ns if self._cancellation is None else min(due_ns, self._cancellation.due_ns)

    @property
    def silenced(self) -> bool:
        """Whether it was cut off before it was heard out: by the service, by the user, or by the user's application."""
        truncated = self._item is not None and self._item.truncated
        return self.interrupted or truncated or self._row.status == "cancelled"

    @property
    def sounds(self) -> bool:
        """Whether audio of it has been given out."""
        return self.answer.audio_ms > 0

    @property
    def playback_end_ns(self) -> int:
        """When a listener has heard all that was given: over a WebSocket, one who plays in real time from the first delta on."""
        sent = self._plan.beats[: self._next]
        if not sent:
            return 0
        estimate_ns = max(sent[-1].due_ns, self._plan.first_ns + round(self.answer.audio_ms * 1e6))
        return self._output.heard_out_ns(self.id, estimate_ns)

    @property
    def end_ns(self) -> int:
        """When it is done, if nobody stops it."""
        beats = self._plan.beats
        return beats[-1].due_ns if beats else self._plan.first_ns

    def start(
        self, outbox: Outbox, items: ConversationItems, rate_limits: tuple[Json, ...], now: int
    ) -> None:
        """Tell of the response and its item, which has no content yet."""
        json = self.answer.json("in_progress")
        outbox.put(
            now,
            ResponseCreated(response=self._json("in_progress", None, None)),
            RateLimitsUpdated(rate_limits=rate_limits),
            OutputItemAdded(response_id=self.id, output_index=OUTPUT_INDEX, item=json),
        )
        if self.request.in_conversation:
            self._item = Item(json)
            previous = items.append(self._item)
            outbox.put(now, ItemAdded(item=json, previous_item_id=previous))
        outbox.put(now, *self.answer.opened())

    def advance(self, outbox: Outbox, items: ConversationItems, now: int) -> None:
        """Send all beats that are due, and finish after the last, or where it is cancelled."""
        if self.finished:
            self._send_stale(outbox, now)
            return
        cancelled = self._cancellation
        until_ns = now if cancelled is None else min(now, cancelled.due_ns - 1)
        self._send(outbox, until_ns)
        if self._next == len(self._plan.beats) and self.end_ns <= until_ns:
            self._finish(outbox, items, self.end_ns, *_ending(self._plan))
        elif cancelled is not None and cancelled.due_ns <= now:
            self._stale_ns = cancelled.stale_ns if self.sounds else 0
            self._row.stale_audio_ms = 0.0
            self._finish(outbox, items, cancelled.due_ns, "cancelled", cancelled.reason)
            self._send_stale(outbox, now)

    @property
    def stale_ms(self) -> float:
        """Audio sent after its cancellation was told."""
        return self._row.stale_audio_ms or 0.0

    def cancel(self, cancellation: Cancellation) -> None:
        """Break it off there, at the next `advance`, unless it ends or is broken off before."""
        earlier = self._cancellation
        if earlier is None or cancellation.due_ns < earlier.due_ns:
            self._cancellation = cancellation

    def _send(self, outbox: Outbox, until_ns: int) -> None:
        beats = self._plan.beats
        while self._next < len(beats) and beats[self._next].due_ns <= until_ns:
            beat = beats[self._next]
            self._next += 1
            outbox.put(beat.due_ns, *self.answer.added(beat))
            if beat.audio is not None:
                self._output.give(self.id, self.answer, beat)
        if self._item is not None and not self._item.truncated:
            self._item.audio_ms = self.answer.audio_ms

    def _send_stale(self, outbox: Outbox, now: int) -> None:
        beats = self._plan.beats
        while self._stale_ns and self._next < len(beats) and beats[self._next].due_ns <= now:
            beat = beats[self._next]
            self._next += 1
            audio, duration_ns = self._stale_part(beat)
            if audio is not None:
                outbox.put(beat.due_ns, *self.answer.stale(audio))
                self._row.stale_audio_ms = (self._row.stale_audio_ms or 0.0) + duration_ns / 1e6

    def _stale_part(self, beat: Beat) -> tuple[Audio | None, int]:
        """As much of a beat's audio as may still be sent, and its duration."""
        if not isinstance(beat.audio, Audio):
            return None, 0
        if beat.duration_ns <= self._stale_ns:
            self._stale_ns -= beat.duration_ns
            return beat.audio, beat.duration_ns
        fmt = self.request.format
        size_bytes = fmt.size_bytes(self._stale_ns * fmt.rate_hz // NS_PER_S)
        self._stale_ns = 0
        if not size_bytes:
            return None, 0
        return Audio(beat.audio.data[:size_bytes]), fmt.duration_ns(size_bytes)

    def _finish(
        self, outbox: Outbox, items: ConversationItems, due_ns: int, status: str, reason: str | None
    ) -> None:
        self.finished = True
        item_status = "completed" if status == "completed" else "incomplete"
        json = self.answer.json(item_status)
        outbox.put(
            due_ns,
            *self.answer.closed(),
            OutputItemDone(response_id=self.id, output_index=OUTPUT_INDEX, item=json),
        )
        if self._item is not None and self._item.id in items:
            kept = {**self._item.json, "status": item_status} if self._item.truncated else json
            self._item.json = kept
            outbox.put(due_ns, ItemDone(item=kept, previous_item_id=items.before(self._item)))
        usage = response_usage(self.context, self._cached, self.answer.tokens())
        outbox.put(due_ns, ResponseDone(response=self._json(status, _details(status, reason), usage, json)))
        self._row.status = status
        self._row.reason = reason
        self._row.audio_ms = self.answer.audio_ms
        self._output.response_done(self.id)

    def _json(self, status: str, details: Json | None, usage: Json | None, *output: Json) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": list(output),
            "conversation_id": self._conversation_id,
            **self.request.json,
            "usage": usage,
        }


def _ending(plan: Plan) -> tuple[str, str | None]:
    """Status and reason of a response that nobody has cancelled."""
    if plan.refused:
        return "failed", RATE_LIMIT_EXCEEDED
    return ("incomplete", MAX_OUTPUT_TOKENS) if plan.cut else ("completed", None)


def _details(status: str, reason: str | None) -> Json | None:
    """`status_details`: null for what went to its end."""
    if status == "failed":
        return {"type": status, "error": {"type": RATE_LIMIT_TYPE, "code": reason}}
    return None if reason is None else {"type": status, "reason": reason}
