"""Which turns count for a wait and for the response rate."""

import math
from typing import Any

import pytest

from rtbench.core.answers import turn_value, was_answered

TURN: dict[str, Any] = {
    "outcome": "answered", "expects_answer": True, "barged_in": False, "audible_ns": 5,
    "voice_to_voice_ms": 700.0, "overlap_ms": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("outcome", ["no_answer", "failed", "dropped"])
def test_a_turn_that_was_never_answered_waits_for_ever(outcome: str) -> None:
    turn = TURN | {"outcome": outcome, "voice_to_voice_ms": None, "audible_ns": None}
    assert turn_value("voice_to_voice_ms", turn) == math.inf
    assert was_answered(turn) == 0.0


@pytest.mark.parametrize(
    "change",
    [{"outcome": "interrupted"}, {"outcome": "cancelled"}, {"outcome": "no_answer", "expects_answer": False}],
)
def test_a_turn_that_was_stopped_or_asks_for_nothing_does_not_count(change: dict[str, Any]) -> None:
    turn = TURN | {"voice_to_voice_ms": None, "audible_ns": None} | change
    assert turn_value("voice_to_voice_ms", turn) is None
    assert was_answered(turn) is None


def test_what_is_no_wait_has_no_value_where_it_did_not_happen() -> None:
    assert turn_value("overlap_ms", TURN | {"outcome": "no_answer", "overlap_ms": None}) is None


def test_an_answer_that_the_caller_cut_off_had_come() -> None:
    assert was_answered(TURN | {"outcome": "cancelled", "barged_in": True}) == 1.0
    assert was_answered(TURN) == 1.0
    assert turn_value("voice_to_voice_ms", TURN) == 700.0
