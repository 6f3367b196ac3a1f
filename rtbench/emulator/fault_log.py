"""What the emulator did wrong on purpose: one row per fault that struck, to be set beside what a caller saw of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault that struck."""

    kind: str
    """Its name in a profile's `faults`; restart for that of the whole service, and what else `faults` names as noted."""

    at_ns: int
    """On the emulator's own monotonic clock, when the faulty message, or the break, was decided to go out."""

    session_id: str = ""
    """Empty at the door, where there is no session yet."""

    response_id: str = ""
    setting: str = ""
    """Its main setting: the close code, the HTTP status, the error code, the delay."""

    ordered: bool = False
    """By the caller's own scenario."""
