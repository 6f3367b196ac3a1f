"""The outbox: events and orders to the shell, in order, each with the instant it was meant for."""

from __future__ import annotations

from typing import Any

from rtbench.core.machine import Outgoing


class Outbox:
    """Collects events until the shell takes them."""

    def __init__(self) -> None:
        self._events: list[Outgoing] = []

    def put(self, due_ns: int, *events: Any) -> None:
        self._events += [Outgoing(event, due_ns) for event in events]

    def take(self) -> list[Outgoing]:
        """All events since the last call; the list is the caller's."""
        if not self._events:
            return []
        taken, self._events = self._events, []
        return taken
