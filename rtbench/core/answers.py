"""Which rows count for a metric, and with what value: the same for the live view and for the report.

A turn that was never answered waits for ever; one that rtbench or the caller stopped says nothing about
whether the service would have answered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WAITS = frozenset(
    {"voice_to_voice_ms", "first_audio_ms", "first_text_ms", "response_created_ms", "response_done_ms"}
)
"""Waits for something that an unanswered turn never got."""

RETURNS = frozenset({"reconnect_ms", "restore_ms", "recovery_ms"})
"""Waits for something that an outage without an end never got."""

GIVEN_UP = "gave_up"
"""The outcome of such an outage; one that the run's end cut off says nothing."""

UNANSWERED = frozenset({"no_answer", "failed", "dropped"})
"""Outcomes by which the service left the caller without an answer."""

STOPPED = frozenset({"interrupted", "cancelled"})
"""Outcomes of a turn that say nothing about whether the service would have answered."""


def turn_value(metric: str, row: Mapping[str, Any]) -> float | None:
    """A metric of a row of turns, infinite where an answer never came; None where the turn does not count for it."""
    value = row[metric]
    if value is not None:
        return float(value)
    never = metric in WAITS and row["expects_answer"] and row["outcome"] in UNANSWERED
    return math.inf if never else None


def outage_value(metric: str, row: Mapping[str, Any]) -> float | None:
    """A metric of a row of incidents, infinite where no session ever came back; None where the outage does not count for it."""
    value = row[metric]
    if value is not None:
        return float(value)
    return math.inf if metric in RETURNS and row["outcome"] == GIVEN_UP else None


def was_answered(row: Mapping[str, Any]) -> float | None:
    """1 or 0 for `response_rate`; None where the turn does not count for it."""
    was_heard = row["barged_in"] and row["audible_ns"] is not None
    if not row["expects_answer"] or (row["outcome"] in STOPPED and not was_heard):
        return None
    return float(was_heard or row["outcome"] == "answered")
