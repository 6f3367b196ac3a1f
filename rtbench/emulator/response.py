"""One response from `response.created` to `response.done`."""

from __future__ import annotations

from typing import Any

from rtbench.core.client_events import Json
from rtbench.core.response_events import OutputItemAdded, OutputItemDone, ResponseCreated, ResponseDone
from rtbench.core.server_events import ItemAdded, ItemDone, RateLimitsUpdated
from rtbench.emulator.answer import OUTPUT_INDEX, Answer
from rtbench.emulator.conversation_items import ConversationItems, Item
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.plan import Plan
from rtbench.emulator.response_request import ResponseRequest
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.usage import Tokens, response_usage

TURN_DETECTED = "turn_detected"
CLIENT_CANCELLED = "client_cancelled"
MAX_OUTPUT_TOKENS = "max_output_tokens"


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
    ) -> None:
        self.id = response_id
        self.request = request
        self.context = context
        self.answer = answer
        self.finished = False
        self._plan = plan
        self._conversation_id = conversation_id
        self._cached = cached
        self._row = row
        self._item: Item | None = None
        self._next = 0

    def next_wake(self) -> int | None:
        """When the next beat is due, or the end where nothing is left to say."""
        if self.finished:
            return None
        beats = self._plan.beats
        return beats[self._next].due_ns if self._next < len(beats) else self._plan.first_ns

    @property
    def playback_end_ns(self) -> int:
        """When a listener who plays in real time from the first delta on has heard all that was sent."""
        sent = self._plan.beats[: self._next]
        if not sent:
            return 0
        return max(sent[-1].due_ns, self._plan.first_ns + round(self.answer.audio_ms * 1e6))

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
        """Send all beats that are due, and finish after the last."""
        if self.finished:
            return
        beats = self._plan.beats
        while self._next < len(beats) and beats[self._next].due_ns <= now:
            beat = beats[self._next]
            self._next += 1
            outbox.put(beat.due_ns, *self.answer.added(beat))
        if self._item is not None and not self._item.truncated:
            self._item.audio_ms = self.answer.audio_ms
        if self._next == len(beats):
            end_ns = beats[-1].due_ns if beats else self._plan.first_ns
            if end_ns <= now:
                cut = self._plan.cut
                self._finish(
                    outbox,
                    items,
                    end_ns,
                    "incomplete" if cut else "completed",
                    MAX_OUTPUT_TOKENS if cut else None,
                )

    def cancel(self, outbox: Outbox, items: ConversationItems, now: int, reason: str) -> None:
        """Stop here; nothing more of it is sent but its end."""
        if not self.finished:
            self._finish(outbox, items, now, "cancelled", reason)

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


def _details(status: str, reason: str | None) -> Json | None:
    """`status_details`: null for what went to its end."""
    return None if reason is None else {"type": status, "reason": reason}
