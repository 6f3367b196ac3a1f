"""Attention: when the service notices what its VAD has decided; at once, unless a fault strikes."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from rtbench.core.vad import SpeechStart
from rtbench.emulator.faults import DETECTION_DELAY, MISSED_INTERRUPTION, Faults
from rtbench.emulator.input_buffer import Edge
from rtbench.emulator.responses import HeardAnswer


class Decision(NamedTuple):
    """An edge of speech as the VAD decided it."""

    edge: Edge
    position: int
    """Input samples received by then."""

    received_ns: int
    """Arrival of the last of them."""

    answer: HeardAnswer | None = None
    """The answer that the user has begun to speak into."""


class Attention:
    """Decisions on their way from the VAD to those who act on them, in order."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._waiting: deque[tuple[int, Decision]] = deque()
        self._missing = False
        """The start at the end of the queue is that of an interruption which goes unnoticed."""

    @property
    def idle(self) -> bool:
        return not self._waiting

    def take(self, decision: Decision) -> None:
        """The VAD has decided something.

        Speech into an answer that is missed, and by the VAD over before that answer is, was never there.
        """
        now, answer = decision.received_ns, decision.answer
        if isinstance(decision.edge, SpeechStart):
            self._missing = answer is not None and answer.sounds and self._faults.strikes(MISSED_INTERRUPTION)
            due_ns = now + self._faults.strike_ns(DETECTION_DELAY)
            if self._missing and answer is not None:
                due_ns = answer.until_ns
                self._faults.note(MISSED_INTERRUPTION, answer.response_id)
            elif due_ns > now and answer is not None:
                self._faults.note(DETECTION_DELAY, answer.response_id, lasts_ns=due_ns - now)
        elif self._missing:
            self._missing = False
            self._waiting.pop()
            return
        else:
            due_ns = now
        if self._waiting:
            due_ns = max(due_ns, self._waiting[-1][0])
        self._waiting.append((due_ns, decision))

    def noticed(self, now: int) -> list[Decision]:
        """What is noticed by now."""
        found = []
        while self._waiting and self._waiting[0][0] <= now:
            found.append(self._waiting.popleft()[1])
        if not self._waiting:
            self._missing = False
        return found

    def answer_over(self, quiet_ns: int) -> None:
        """The answer will have been heard out at `quiet_ns`: whoever speaks then is heard."""
        if self._missing:
            due_ns, decision = self._waiting.pop()
            self._waiting.append((min(due_ns, quiet_ns), decision))

    def next_wake(self) -> int | None:
        """When the next decision is noticed, which may be in a far future that the end of an answer brings near."""
        return self._waiting[0][0] if self._waiting else None

    def forget(self) -> None:
        """What has not been noticed never will be."""
        self._waiting.clear()
        self._missing = False
