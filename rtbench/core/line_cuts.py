"""Connections that a script breaks on purpose: which cut is pending, and when it falls into an utterance."""

from __future__ import annotations

from rtbench.core.reconnection import Cut
from rtbench.core.script import Drop


class LineCuts:
    """The cuts of one script."""

    def __init__(self) -> None:
        self.due_ns: int | None = None
        """When the cut in the utterance under way comes."""

        self._awaits_utterance: Drop | None = None
        self._cut: Drop | None = None

    def plan(self, drop: Drop) -> None:
        """Break the connection in the middle of the next utterance."""
        self._awaits_utterance = drop

    def utterance(self, start_ns: int, end_ns: int) -> None:
        """The caller speaks from one instant to another."""
        if self._awaits_utterance is not None:
            self._cut, self._awaits_utterance = self._awaits_utterance, None
            self.due_ns = (start_ns + end_ns) // 2

    def take_due(self, now: int) -> list[Cut]:
        """The cut whose time has come, if there is one."""
        drop = self._cut
        if drop is None or self.due_ns is None or now < self.due_ns:
            return []
        self._cut = self.due_ns = None
        return [cut_by(drop, now)]


def cut_by(drop: Drop, now: int) -> Cut:
    """The order to the shell."""
    return Cut(drop.how, now, in_handshake=drop.when == "handshake")
