"""When a session is old enough to be replaced by a new one, before the service ends it in mid-sentence."""

from __future__ import annotations

from rtbench.core.conversation import Conversation
from rtbench.core.script import Say, Write

HELD_NS = 3_600 * 1_000_000_000
"""How long a turn is held back at a time, for a session that is to be left before it."""


class Rotation:
    """Watches the age of one session after the other. It is left between two turns, and only while something is left to say."""

    def __init__(self, after_ns: int | None) -> None:
        """None: a session is kept for as long as it lasts."""
        self._after_ns = after_ns
        self._due_ns: int | None = None

    def begin(self, now: int) -> None:
        """A new connection stands."""
        self._due_ns = None if self._after_ns is None else now + self._after_ns

    def next_wake(self, conversation: Conversation) -> int | None:
        """When to look again; None while a turn is under way, the end of which will tell."""
        if not conversation.is_talking or conversation.open_turn is not None:
            return None
        return self._due_ns

    def is_due(self, conversation: Conversation, now: int) -> bool:
        """Whether to leave now; holds back the next turn where the age is reached in the middle of one."""
        if self._due_ns is None or now < self._due_ns or not conversation.is_talking:
            return False
        if not any(isinstance(step, Say | Write) for step in conversation.remaining(lost=False)):
            self._due_ns = None
            conversation.hold(now)
            return False
        conversation.hold(now + HELD_NS)
        return conversation.open_turn is None
