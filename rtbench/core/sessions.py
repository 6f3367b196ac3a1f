"""A session as the caller lived it: connection, set-up, turns and end, before any metric is taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

SessionOutcome = Literal["completed", "drained", "failed", "dropped", "interrupted"]
"""How a session ended.

completed: the script was held to its end; drained: it stopped between two turns because the run
ended; failed: it could not be set up; dropped: the connection went away; interrupted: the run was
stopped in mid-turn.
"""


@dataclass(slots=True)
class Session:
    """One conversation's connection. `_ns` fields are instants on the engine's monotonic clock."""

    session_id: str = ""
    """The service's own name for it."""

    outcome: SessionOutcome = "failed"
    error_class: str = ""
    error_detail: str = ""

    planned_ns: int = 0
    """When its user asked for it."""

    dns_ms: float | None = None
    tcp_ms: float | None = None
    tls_ms: float | None = None
    upgrade_ms: float | None = None
    connected_ns: int | None = None
    created_ns: int | None = None
    """Arrival of `session.created`."""

    update_sent_ns: int | None = None
    updated_ns: int | None = None
    """Arrival of the `session.updated` that answers the caller's configuration."""

    ended_ns: int = 0

    turns: int = 0
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """By class: the API's error code, or rtbench's own class."""

    unknown_events: int = 0
    malformed_events: int = 0
