import numpy as np
import pandas as pd
import pytest

from rtbench.analysis.samples import METRIC_NAMES, sample
from rtbench.scenario.threshold_metric import GENERATOR_UNITS, KNOWN_METRICS, METRIC_UNITS, RUN_COUNTS

NO_ANSWER = {"outcome": "no_answer", "closed_ns": 15_000_000_000}


def test_an_unanswered_turn_counts_as_infinitely_long(make_turns, make_rows) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, NO_ANSWER, {"outcome": "failed"}, {"outcome": "dropped"})
    found = sample("voice_to_voice_ms", make_rows(turns))
    assert found.values.tolist() == [700.0, np.inf, np.inf, np.inf]
    assert (found.n, found.unanswered) == (4, 3)


def test_the_longest_known_wait_is_the_timeout(make_turns, make_rows) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, NO_ANSWER)
    assert sample("voice_to_voice_ms", make_rows(turns)).known_up_to == 15_000.0


def test_the_longest_known_wait_is_the_slowest_answer_where_nothing_timed_out(make_turns, make_rows) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, {"outcome": "dropped", "closed_ns": 90_000_000})
    assert sample("voice_to_voice_ms", make_rows(turns)).known_up_to == 700.0


@pytest.mark.parametrize(
    "turn",
    [
        {"outcome": "interrupted"},
        {"outcome": "cancelled"},
        {**NO_ANSWER, "expects_answer": False},
        {**NO_ANSWER, "void": True},
        {"voice_to_voice_ms": 9_000.0, "void": True},
    ],
)
def test_a_turn_that_says_nothing_about_the_service_is_left_out(turn, make_turns, make_rows) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, turn)
    assert sample("voice_to_voice_ms", make_rows(turns)).values.tolist() == [700.0]


def test_an_answer_that_was_cut_by_hand_after_it_had_begun_still_has_its_wait(make_turns, make_rows) -> None:
    turns = make_turns({"outcome": "interrupted", "voice_to_voice_ms": 700.0})
    assert sample("voice_to_voice_ms", make_rows(turns)).values.tolist() == [700.0]


def test_a_part_of_the_latency_is_not_invented_for_an_unanswered_turn(make_turns, make_rows) -> None:
    turns = make_turns({"leading_silence_ms": 90.0}, NO_ANSWER)
    assert sample("leading_silence_ms", make_rows(turns)).values.tolist() == [90.0]


def test_negative_waits_are_data(make_turns, make_rows) -> None:
    turns = make_turns({"voice_to_voice_ms": -120.0})
    assert sample("voice_to_voice_ms", make_rows(turns)).values.tolist() == [-120.0]


def test_the_response_rate_is_over_turns_that_ask_for_an_answer(make_turns, make_rows) -> None:
    turns = make_turns({}, NO_ANSWER, {"outcome": "interrupted"}, {"expects_answer": False}, {"void": True})
    found = sample("response_rate", make_rows(turns))
    assert found.values.tolist() == [1.0, 0.0]
    assert found.unit == "rate"


def test_a_session_that_could_not_start_counts_against_the_success_rate(make_sessions, make_rows) -> None:
    sessions = make_sessions({}, {"session": "s2", "outcome": "failed", "session_success": 0.0})
    assert sample("session_success_rate", make_rows(sessions=sessions)).values.tolist() == [1.0, 0.0]


def test_a_metric_of_stimuli_has_the_values_of_those_that_are_not_void(make_stimuli, make_rows) -> None:
    stimuli = make_stimuli(
        {"session": "s1", "barge_in_heard_stop_ms": 300.0},
        {"session": "s2", "barge_in_heard_stop_ms": None},
        {"session": "s3", "barge_in_heard_stop_ms": 900.0, "void": True},
        {"session": "s4", "barge_in_heard_stop_ms": 400.0},
    )
    found = sample("barge_in_heard_stop_ms", make_rows(stimuli=stimuli))
    assert found.values.tolist() == [300.0, 400.0]
    assert found.sessions.tolist() == ["s1", "s4"]


def test_the_false_cutoff_rate_counts_pauses_not_turns_each_in_its_session(make_turns, make_rows) -> None:
    turns = make_turns(
        {"session": "s1", "hold_pauses": 3, "false_cutoffs": 1},
        {"session": "s2", "hold_pauses": 0},
        {"session": "s3", "hold_pauses": 1, "false_cutoffs": 1},
    )
    found = sample("false_cutoff_rate", make_rows(turns))
    assert found.values.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert found.sessions.tolist() == ["s1", "s1", "s1", "s3"]


def test_the_conversation_flow_holds_the_events_of_turns_and_stimuli(
    make_turns, make_stimuli, make_rows
) -> None:
    turns = make_turns({"session": "s1", "cut_in": 1.0}, {**NO_ANSWER, "session": "s2"})
    stimuli = make_stimuli({"session": "s3", "yielded": 1.0}, {"session": "s4", "void": True, "yielded": 0.0})
    found = sample("conversation_flow", make_rows(turns, stimuli=stimuli))
    assert sorted(zip(found.sessions, found.values, strict=True)) == [
        ("s1", 0.0),
        ("s1", 1.0),
        ("s2", 0.0),
        ("s2", 1.0),
        ("s3", 1.0),
    ]


def test_an_outage_that_was_given_up_counts_as_one_without_an_end(make_rows) -> None:
    incidents = pd.DataFrame(
        {
            "session": ["s1", "s2", "s3", "s4"],
            "outcome": ["recovered", "gave_up", "ended", "recovered"],
            "reconnect_ms": [500.0, None, None, 700.0],
            "recovery_ms": [900.0, None, None, None],
            "outage_detect_ms": [40.0, None, None, None],
            "recovered": [1.0, 0.0, None, 1.0],
        }
    )
    rows = make_rows(incidents=incidents)
    assert sample("reconnect_ms", rows).values.tolist() == [500.0, np.inf, 700.0]
    assert sample("recovery_ms", rows).values.tolist() == [900.0, np.inf]
    assert sample("recovery_ms", rows).known_up_to == 900.0
    assert sample("outage_detect_ms", rows).values.tolist() == [40.0]
    assert sample("recovered", rows).values.tolist() == [1.0, 0.0, 1.0]


def test_every_metric_has_a_sample_also_of_no_rows(make_rows) -> None:
    rows = make_rows()
    assert [sample(name, rows).n for name in METRIC_NAMES] == [0] * len(METRIC_NAMES)


def test_thresholds_may_name_every_metric_and_rate_and_nothing_else() -> None:
    assert sorted((*METRIC_NAMES, *GENERATOR_UNITS, *RUN_COUNTS)) == sorted(KNOWN_METRICS)


def test_a_threshold_has_the_unit_of_its_sample(make_rows) -> None:
    rows = make_rows()
    assert {name: sample(name, rows).unit for name in METRIC_NAMES} == {
        name: METRIC_UNITS[name] for name in METRIC_NAMES
    }


def test_an_unknown_metric_is_a_key_error(make_rows) -> None:
    with pytest.raises(KeyError):
        sample("vibes_ms", make_rows())
