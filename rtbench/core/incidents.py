"""An incident: one time that a caller's connection went away or did not come about, and how it came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

IncidentKind = Literal["drop", "refusal", "rotation"]
"""drop: a connection that stood went away; refusal: the first one did not come about; rotation: a session
was replaced on purpose, before its limit."""

IncidentOutcome = Literal["recovered", "fell_back", "gave_up", "ended"]
"""recovered: a session stands again, with what was to be restored; fell_back: one in writing does;
gave_up: none does; ended: the run was over first."""

Phase = Literal["handshake", "setup", "idle", "speaking", "waiting", "answering"]
"""What was going on: connecting; configuring; neither spoke; the caller spoke; an answer was due; one was under way."""


@dataclass(slots=True)
class Attempt:
    """One try to connect."""

    due_ns: int
    """By the policy."""

    begun_ns: int | None = None
    over_ns: int | None = None
    error_class: str = ""
    """Empty where it succeeded."""


@dataclass(slots=True)
class Incident:
    """One outage of one caller. `_ns` fields are instants on the engine's monotonic clock."""

    number: int
    """Of this session's incidents, from 1."""

    kind: IncidentKind = "drop"
    injected: str = ""
    """How the caller's own side broke the connection on purpose; empty where it did not."""

    error_class: str = ""
    detail: str = ""
    phase: Phase = "idle"
    turn: int = 0
    """Turns begun so far; the last one was lost if it was under way."""

    session_before: str = ""
    """The service's own name for the session that was lost."""

    session_after: str = ""
    dropped_ns: int = 0
    """When the connection was broken, where that was our doing; else when it was noticed."""

    noticed_ns: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    limited: int = 0
    """Attempts that a rate limit put off."""

    connected_ns: int | None = None
    created_ns: int | None = None
    restored_ns: int | None = None
    """Configuration and history are acknowledged."""

    audible_ns: int | None = None
    """First audible sample of the next answer; in writing, its first text."""

    items_restored: int = 0
    lost_turns: int = 0
    outcome: IncidentOutcome = "ended"

    @property
    def is_planned(self) -> bool:
        return self.kind == "rotation"


@dataclass(slots=True)
class Mishap:
    """One error that a caller met, whether or not anything was lost by it."""

    at_ns: int
    error_class: str
    phase: Phase
    turn: int
    detail: str = ""


@dataclass(slots=True)
class StateChange:
    """The session's state from an instant on: disconnected, connecting, connected, or over."""

    state: Literal["disconnected", "connecting", "connected", "over"]
    at_ns: int
    in_writing: bool = False
