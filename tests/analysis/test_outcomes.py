import pytest

from rtbench.analysis.outcomes import (
    FLOW,
    SESSION_RATES,
    STIMULUS_RATES,
    TURN_RATES,
    answered,
    false_cutoffs,
    flow_parts,
    outcomes,
)
from rtbench.core.metrics import RATES


def test_a_turn_that_ended_before_it_could_be_answered_does_not_count(make_turns) -> None:
    turns = make_turns({}, {"outcome": "no_answer"}, {"outcome": "interrupted"}, {"expects_answer": False})
    assert answered(turns).fillna(-1).tolist() == [1.0, 0.0, -1.0, -1.0]


@pytest.mark.parametrize(
    ("outcome", "audible_ns", "told"),
    [("cancelled", 7, 1.0), ("cancelled", None, None), ("no_answer", 7, 1.0)],
)
def test_an_answer_that_was_heard_until_the_caller_cut_it_off_was_an_answer(
    make_turns, outcome: str, audible_ns: int | None, told: float | None
) -> None:
    turns = make_turns({"barged_in": True, "outcome": outcome, "audible_ns": audible_ns})
    assert answered(turns).dropna().tolist() == ([] if told is None else [told])


def test_each_hold_pause_is_an_outcome_of_its_turn(make_turns) -> None:
    turns = make_turns(
        {"hold_pauses": 2, "false_cutoffs": 1}, {"hold_pauses": 0}, {"hold_pauses": 2, "false_cutoffs": 0}
    )
    found = false_cutoffs(turns)
    assert found.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert found.index.tolist() == [0, 0, 2, 2]


def test_more_cutoffs_than_pauses_are_not_more_than_all(make_turns) -> None:
    assert false_cutoffs(make_turns({"hold_pauses": 1, "false_cutoffs": 3})).tolist() == [1.0]


def test_the_flow_has_four_parts_of_which_each_event_counts_once(make_turns, make_stimuli) -> None:
    turns = make_turns(
        {"cut_in": 1.0}, {"outcome": "no_answer"}, {"outcome": "not_asked", "expects_answer": False}
    )
    stimuli = make_stimuli(
        {"yielded": 1.0},
        {"yielded": None},
        {"kind": "cough", "false_interruption": 0.0},
        {"kind": "click", "false_interruption": 1.0},
        {"kind": "silence"},
    )
    found = {name: part["outcome"].tolist() for name, part in flow_parts(turns, stimuli).items()}
    assert found == {
        "answered in time": [1.0, 0.0],
        "yielded to interruptions": [1.0],
        "ignored disturbances": [1.0, 0.0],
        "did not cut in": [0.0, 1.0, 1.0],
    }


def test_every_rate_is_of_one_table_but_the_flow_and_the_generators_own() -> None:
    of_tables = [*TURN_RATES, *SESSION_RATES, *STIMULUS_RATES]
    assert sorted([*of_tables, FLOW, "void_rate"]) == sorted(rate.name for rate in RATES)


@pytest.mark.parametrize(
    "rate", [rate for rate in RATES if rate.table == "turns"], ids=lambda rate: rate.name
)
def test_a_table_of_turns_tells_a_rate_as_its_rows_do(make_turns, rate) -> None:
    """Of rows that are not void, and for the rate of void ones of one that is."""
    said = {"continuity_ok": 1.0, "cut_in": 0.0, "context_retained": 1.0}
    turns = make_turns(
        said,
        {**said, "outcome": "no_answer", "context_retained": 0.0, "hold_pauses": 2, "false_cutoffs": 1},
        {**said, "outcome": "interrupted", "cut_in": 1.0},
        {**said, "expects_answer": False, "hold_pauses": 1, "false_cutoffs": 1, "void": rate.of_void},
    )
    rows = turns.astype(object).where(turns.notna(), None).to_dict("records")
    by_row = [value for row in rows for value in rate.outcomes(row)]
    assert outcomes(rate, turns).dropna().tolist() == by_row
    assert set(by_row) & {0.0, 1.0}
