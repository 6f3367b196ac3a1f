"""Rows of the run's tables, made of finished records: their fields, their metrics, and whether to trust them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from rtbench.core.filtered_events import UNTOLD
from rtbench.core.incidents import Incident, Mishap
from rtbench.core.metrics import INCIDENT_METRICS, SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.core.metrics.response import identity_error_ms
from rtbench.core.metrics.turn_taking import is_eligible
from rtbench.core.sessions import Session
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn
from rtbench.core.validity import VOID_LATENESS_MS

VOID_IDENTITY_MS = 0.1
"""The parts must add up to the whole, but for rounding."""


@dataclass(frozen=True, slots=True)
class RowKeys:
    """What tells the rows of one session apart from all others of a run."""

    worker: str
    session: str
    user: int
    iteration: int
    scenario: str
    transport: str

    def columns(self, session_id: str) -> dict[str, Any]:
        return {**_fields(self), "session_id": session_id}


def turn_row(
    keys: RowKeys, session_id: str, turn: Turn, late_max_ms: float, **columns: Any
) -> dict[str, Any]:
    """One row of `results.schema.TURNS`; `columns` are those that only the engine knows."""
    identity_ms = identity_error_ms(turn)
    reason = void_reason(late_max_ms, identity_ms)
    return {
        **keys.columns(session_id),
        **_fields(turn),
        **{metric.name: metric.compute(turn) for metric in TURN_METRICS},
        **columns,
        "frame_late_max_ms": late_max_ms,
        "identity_error_ms": identity_ms,
        "void": bool(reason),
        "void_reason": reason,
    }


def stimulus_row(
    keys: RowKeys, session_id: str, stimulus: Stimulus, late_max_ms: float, **columns: Any
) -> dict[str, Any]:
    """One row of `results.schema.STIMULI`."""
    reason = void_reason(late_max_ms, None)
    return {
        **keys.columns(session_id),
        **_fields(stimulus),
        **{metric.name: metric.compute(stimulus) for metric in STIMULUS_METRICS},
        **columns,
        "eligible": is_eligible(stimulus),
        "frame_late_max_ms": late_max_ms,
        "void": bool(reason),
        "void_reason": reason,
    }


def incident_row(keys: RowKeys, session_id: str, incident: Incident, at_unix_ns: int) -> dict[str, Any]:
    """One row of `results.schema.INCIDENTS`."""
    return {
        **keys.columns(session_id),
        "at_unix_ns": at_unix_ns,
        **_fields(incident),
        "attempts": msgspec.json.encode(incident.attempts).decode(),
        **{metric.name: metric.compute(incident) for metric in INCIDENT_METRICS},
    }


def mishap_row(keys: RowKeys, session_id: str, mishap: Mishap, at_unix_ns: int) -> dict[str, Any]:
    """One row of `results.schema.MISHAPS`."""
    return {**keys.columns(session_id), "at_unix_ns": at_unix_ns, **_fields(mishap)}


def emit_told(emit: Callable[[str, dict[str, Any]], None], table: str, row: dict[str, Any]) -> None:
    """Hand a row on without what was only inferred, behind a filter of events."""
    emit(table, {**row, **dict.fromkeys(UNTOLD.get(table, frozenset()) & row.keys())})


def void_reason(late_max_ms: float, identity_ms: float | None) -> str:
    """Why a turn's numbers are not to be trusted; empty where they are."""
    if late_max_ms > VOID_LATENESS_MS:
        return f"a frame was sent {late_max_ms:.0f} ms late"
    if identity_ms is not None and abs(identity_ms) > VOID_IDENTITY_MS:
        return f"the parts of its latency miss the whole by {identity_ms:.1f} ms"
    return ""


def session_row(
    keys: RowKeys, session: Session, unknown_fields: Counter[str], **columns: Any
) -> dict[str, Any]:
    """One row of `results.schema.SESSIONS`."""
    record = _fields(session)
    network = _fields(record.pop("network"))
    return {
        **keys.columns(session.session_id),
        **record,
        **network,
        "errors": msgspec.json.encode(dict(session.errors)).decode(),
        "states": msgspec.json.encode(session.states).decode(),
        **{metric.name: metric.compute(session) for metric in SESSION_METRICS},
        "unknown_fields": msgspec.json.encode(dict(unknown_fields)).decode(),
        **columns,
    }


def _fields(record: Any) -> dict[str, Any]:
    """Fields of a dataclass, as they are: `dataclasses.asdict` copies all that is in them, at ten times the cost."""
    kind: Any = type(record)
    names, read = _reader(kind)
    return dict(zip(names, read(record), strict=True))


@cache
def _reader(kind: Any) -> tuple[tuple[str, ...], attrgetter[tuple[Any, ...]]]:
    names = tuple(field.name for field in fields(kind))
    return names, attrgetter(*names)
