"""The one interface of the two state machines, Conversation (the caller) and EmulatedSession (the model).

The shell that drives a machine keeps one order: one input (`start`, `receive` or `wake`), then drain
`outgoing()`, report each with `sent`, then re-arm the timer from `next_wake()`. A machine reads no
clock: `now` is nanoseconds on the shell's monotonic clock and never runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Outgoing(NamedTuple):
    """Something for the other side, and the instant it was meant for."""

    event: Any
    due_ns: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended. `code` is the WebSocket close code (RFC 6455, 7.4), 1006 where none was received."""

    code: int = 1006
    reason: str = ""
    error_class: str = ""
    """What the caller itself makes of it, where the code does not say it."""


class Machine(Protocol):
    """A pure state machine; see the module for the order of calls."""

    def start(self, now: int) -> None:
        """The connection stands; called once, first."""

    def receive(self, event: Any, now: int) -> None:
        """An event of the other side arrived at `now`, or `Disconnected`."""

    def wake(self, now: int) -> None:
        """`next_wake()` has come; a call too early or too late does no harm."""

    def outgoing(self) -> list[Outgoing]:
        """What is to be sent now, in order; each is handed out once."""

    def sent(self, event: Any, sent_ns: int) -> None:
        """`event`, from `outgoing()`, left at `sent_ns`."""

    def next_wake(self) -> int | None:
        """When to call `wake`, or None where only a `receive` can change anything."""

    @property
    def outcome(self) -> str | None:
        """None while the machine lives; then how it ended, in one word. The shell closes the connection."""
