"""Recovery metrics of incidents made by hand."""

from __future__ import annotations

import pytest

from rtbench.core.incidents import Attempt, Incident
from rtbench.core.metrics import recovery as m
from rtbench.core.turns import Turn

MS = 1_000_000


def incident(**fields) -> Incident:
    found = Incident(
        1,
        injected="half_open",
        dropped_ns=100 * MS,
        noticed_ns=4_100 * MS,
        attempts=[Attempt(5_100 * MS, 5_103 * MS), Attempt(7_100 * MS, 7_101 * MS)],
        created_ns=7_200 * MS,
        restored_ns=7_250 * MS,
        audible_ns=9_000 * MS,
        outcome="recovered",
    )
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def test_an_outage_by_hand() -> None:
    found = {metric.name: metric.compute(incident()) for metric in m.INCIDENT_METRICS}

    assert found == {
        "outage_detect_ms": 4_000,
        "reconnect_ms": 7_100,
        "restore_ms": 7_150,
        "recovery_ms": 8_900,
        "backoff_error_ms": 3,
        "incident_attempts": 2,
        "recovered": 1,
    }


def test_when_a_loss_happened_is_known_of_our_own_only() -> None:
    assert m.outage_detect_ms(incident(injected="")) is None


def test_a_rotation_is_no_outage() -> None:
    rotation = incident(kind="rotation", injected="")

    assert m.reconnect_ms(rotation) is m.recovery_ms(rotation) is m.recovered(rotation) is None
    assert m.restore_ms(rotation) == 7_150


@pytest.mark.parametrize(
    ("outcome", "value"), [("recovered", 1), ("fell_back", 1), ("gave_up", 0), ("ended", None)]
)
def test_what_counts_as_recovered(outcome: str, value: float | None) -> None:
    assert m.recovered(incident(outcome=outcome)) == value


@pytest.mark.parametrize(
    ("connection", "answered", "value"), [(1, True, 1), (1, False, 0), (1, None, None), (0, True, None)]
)
def test_context_is_retained_only_across_connections(connection, answered, value) -> None:
    turn = Turn(number=1, clip="c", connection=connection, fact_answered=answered)

    assert m.context_retained(turn) == value
