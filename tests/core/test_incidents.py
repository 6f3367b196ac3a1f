"""Records that share nothing, and whose numbers say their unit."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from rtbench.core.incidents import Attempt, Incident, IncidentKind, IncidentOutcome, Phase


def test_incidents_share_no_attempts() -> None:
    first, second = Incident(1), Incident(2)
    first.attempts.append(Attempt(due_ns=5))

    assert not second.attempts


def test_only_a_rotation_is_planned() -> None:
    assert [kind for kind in get_args(IncidentKind) if Incident(1, kind).is_planned] == ["rotation"]


def test_every_number_says_its_unit() -> None:
    counts = {"number", "turn", "limited", "items_restored", "lost_turns"}
    for field in (*fields(Incident), *fields(Attempt)):
        if field.type in ("int", "float", "int | None", "float | None") and field.name not in counts:
            assert field.name.endswith("_ns"), field.name


def test_outcomes_and_phases_are_closed_lists() -> None:
    assert get_args(IncidentOutcome) == ("recovered", "fell_back", "gave_up", "ended")
    assert get_args(Phase) == ("handshake", "setup", "idle", "speaking", "waiting", "answering")
