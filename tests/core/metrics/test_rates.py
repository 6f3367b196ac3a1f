"""Rates: that each is told in full, and what a row has to say of it."""

from typing import Any

import pytest

from rtbench.core.metrics import INCIDENT_METRICS, RATES, SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.results import schema

BY_NAME = {rate.name: rate for rate in RATES}
METRICS = {
    "turns": {metric.name: metric for metric in TURN_METRICS},
    "sessions": {metric.name: metric for metric in SESSION_METRICS},
    "stimuli": {metric.name: metric for metric in STIMULUS_METRICS},
    "incidents": {metric.name: metric for metric in INCIDENT_METRICS},
}
COLUMNS = {"turns": schema.TURNS, "sessions": schema.SESSIONS, "stimuli": schema.STIMULI}
TURN: dict[str, Any] = {
    "void": False, "outcome": "answered", "expects_answer": True, "barged_in": False, "audible_ns": 1,
    "hold_pauses": 0, "false_cutoffs": 0,
}  # fmt: skip

MORE = {
    "response_rate", "continuity_ok_rate", "context_retained_rate", "session_success_rate", "yield_rate", "resumed_rate",
    "conversation_flow",
}  # fmt: skip
LESS = {
    "cut_in_rate", "false_cutoff_rate", "missed_interruption_rate", "false_interruption_rate",
    "truncation_rejected_rate", "void_rate",
}  # fmt: skip


def test_of_every_rate_it_is_known_which_way_it_is_to_go() -> None:
    assert len(BY_NAME) == len(RATES)
    assert {rate.name for rate in RATES if rate.better == "more"} == MORE
    assert {rate.name for rate in RATES if rate.better == "less"} == LESS
    assert set(BY_NAME) == MORE | LESS


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_a_rate_is_of_a_metric_that_goes_the_same_way_or_of_outcomes_of_its_own(rate) -> None:
    if rate.column:
        metric = METRICS[rate.table][rate.column]
        assert (metric.unit, metric.better, rate.tell) == ("rate", rate.better, None)
        assert rate.column in COLUMNS[rate.table].names
    else:
        assert (rate.tell is None) == (rate.table == "events")


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_every_rate_is_defined_in_a_sentence_and_met_in_a_clause(rate) -> None:
    assert rate.definition.endswith(".") and len(rate.definition.split()) > 4
    assert rate.met[0].islower() and not rate.met.endswith(".") and "\n" not in rate.met + rate.definition


@pytest.mark.parametrize(
    ("name", "row", "outcomes"),
    [
        ("response_rate", TURN, [1.0]),
        ("response_rate", TURN | {"outcome": "no_answer"}, [0.0]),
        ("response_rate", TURN | {"expects_answer": False}, []),
        ("context_retained_rate", TURN | {"context_retained": 0.0}, [0.0]),
        ("context_retained_rate", TURN | {"context_retained": None}, []),
        ("false_cutoff_rate", TURN | {"hold_pauses": 3, "false_cutoffs": 1}, [1.0, 0.0, 0.0]),
        ("false_cutoff_rate", TURN | {"hold_pauses": 1, "false_cutoffs": 3}, [1.0]),
        ("false_cutoff_rate", TURN | {"hold_pauses": None, "false_cutoffs": None}, []),
        ("session_success_rate", {"session_success": 1.0}, [1.0]),
        ("void_rate", TURN, [0.0]),
    ],
)
def test_the_outcomes_in_a_row(name: str, row: dict[str, Any], outcomes: list[float]) -> None:
    assert list(BY_NAME[name].outcomes(row)) == outcomes


def test_a_void_turn_counts_for_the_rate_of_void_turns_alone() -> None:
    void = {**dict.fromkeys(schema.TURNS.names, 1.0), **TURN, "void": True, "hold_pauses": 2}
    told = {rate.name: list(rate.outcomes(void)) for rate in RATES if rate.table == "turns"}
    assert {name for name, outcomes in told.items() if outcomes} == {"void_rate"}
    assert told["void_rate"] == [1.0]


def test_no_single_row_tells_a_rate_of_events() -> None:
    with pytest.raises(TypeError, match="conversation_flow is told by no single row"):
        list(BY_NAME["conversation_flow"].outcomes(TURN))
