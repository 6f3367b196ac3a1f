import numpy as np
import pytest

from rtbench.analysis.samples import METRIC_NAMES, SESSION_RATES, TURN_RATES, sample
from rtbench.core.metrics import SESSION_METRICS, TURN_METRICS

NO_ANSWER = {"outcome": "no_answer", "closed_ns": 15_000_000_000}


def test_an_unanswered_turn_counts_as_infinitely_long(make_turns, make_sessions) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, NO_ANSWER, {"outcome": "failed"}, {"outcome": "dropped"})
    found = sample("voice_to_voice_ms", turns, make_sessions())
    assert found.values.tolist() == [700.0, np.inf, np.inf, np.inf]
    assert (found.n, found.unanswered) == (4, 3)


def test_the_longest_known_wait_is_the_timeout(make_turns, make_sessions) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, NO_ANSWER)
    assert sample("voice_to_voice_ms", turns, make_sessions()).known_up_to == 15_000.0


def test_the_longest_known_wait_is_the_slowest_answer_where_nothing_timed_out(
    make_turns, make_sessions
) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, {"outcome": "dropped", "closed_ns": 90_000_000})
    assert sample("voice_to_voice_ms", turns, make_sessions()).known_up_to == 700.0


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
def test_a_turn_that_says_nothing_about_the_service_is_left_out(turn, make_turns, make_sessions) -> None:
    turns = make_turns({"voice_to_voice_ms": 700.0}, turn)
    assert sample("voice_to_voice_ms", turns, make_sessions()).values.tolist() == [700.0]


def test_an_answer_that_was_cut_by_hand_after_it_had_begun_still_has_its_wait(
    make_turns, make_sessions
) -> None:
    turns = make_turns({"outcome": "interrupted", "voice_to_voice_ms": 700.0})
    assert sample("voice_to_voice_ms", turns, make_sessions()).values.tolist() == [700.0]


def test_a_part_of_the_latency_is_not_invented_for_an_unanswered_turn(make_turns, make_sessions) -> None:
    turns = make_turns({"leading_silence_ms": 90.0}, NO_ANSWER)
    assert sample("leading_silence_ms", turns, make_sessions()).values.tolist() == [90.0]


def test_negative_waits_are_data(make_turns, make_sessions) -> None:
    turns = make_turns({"voice_to_voice_ms": -120.0})
    assert sample("voice_to_voice_ms", turns, make_sessions()).values.tolist() == [-120.0]


def test_the_response_rate_is_over_turns_that_ask_for_an_answer(make_turns, make_sessions) -> None:
    turns = make_turns({}, NO_ANSWER, {"outcome": "interrupted"}, {"expects_answer": False}, {"void": True})
    found = sample("response_rate", turns, make_sessions())
    assert found.values.tolist() == [1.0, 0.0]
    assert found.unit == "rate"


def test_a_session_that_could_not_start_counts_against_the_success_rate(make_turns, make_sessions) -> None:
    sessions = make_sessions({}, {"session": "s2", "outcome": "failed", "session_success": 0.0})
    assert sample("session_success_rate", make_turns(), sessions).values.tolist() == [1.0, 0.0]


def test_every_metric_has_a_sample_also_of_no_rows(make_turns, make_sessions) -> None:
    turns, sessions = make_turns(), make_sessions()
    assert [sample(name, turns, sessions).n for name in METRIC_NAMES] == [0] * len(METRIC_NAMES)


def test_thresholds_may_name_every_metric_and_rate() -> None:
    registered = [metric.name for metric in TURN_METRICS] + [metric.name for metric in SESSION_METRICS]
    assert set(METRIC_NAMES) == {*registered, *TURN_RATES, *SESSION_RATES}


def test_an_unknown_metric_is_a_key_error(make_turns, make_sessions) -> None:
    with pytest.raises(KeyError):
        sample("vibes_ms", make_turns({}), make_sessions({}))
