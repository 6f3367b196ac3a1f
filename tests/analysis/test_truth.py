import pandas as pd
import pytest

from rtbench.analysis.truth import with_truth

S = 1_000_000_000
KEYS = {"session_id": "sess_1", "response_id": "resp_1"}
TURN = {**KEYS, "speech_end_sample": 48_000, "playout_wait_ms": 3.0, "voice_to_voice_ms": 853.5}
TRUTH = {
    **KEYS,
    "endpoint_sample": 60_000,
    "input_rate_hz": 24_000,
    "endpoint_received_ns": 10 * S,
    "first_audio_sent_ns": 10 * S + 250_000_000,
    "audible_offset_ms": 100.0,
}


def test_the_true_wait_is_endpoint_plus_response_plus_silence_plus_the_players_own_wait(make_turns) -> None:
    joined = with_truth(make_turns(TURN), pd.DataFrame([TRUTH])).iloc[0]
    assert joined["true_voice_to_voice_ms"] == pytest.approx(500 + 250 + 100 + 3)
    assert joined["voice_to_voice_error_ms"] == pytest.approx(0.5)


def test_samples_are_counted_at_the_rate_of_the_sessions_own_input(make_turns) -> None:
    truth = pd.DataFrame([TRUTH | {"input_rate_hz": 8_000, "endpoint_sample": 52_000}])
    assert with_truth(make_turns(TURN), truth)["true_voice_to_voice_ms"].iloc[0] == pytest.approx(853)


def test_a_nanosecond_counts_on_a_machine_that_has_been_up_for_years(make_turns) -> None:
    years = 3 * 10**17
    truth = TRUTH | {"endpoint_received_ns": years, "first_audio_sent_ns": years + 250_000_001}
    found = with_truth(make_turns(TURN), pd.DataFrame([truth]))["true_voice_to_voice_ms"].iloc[0]
    assert found == pytest.approx(853.000001, abs=1e-9)


def test_every_turn_stays_in_its_place_with_or_without_a_truth(make_turns) -> None:
    turns = make_turns(TURN | {"response_id": ""}, TURN, TURN | {"response_id": "resp_2"})
    joined = with_truth(turns, pd.DataFrame([TRUTH]))
    assert joined["response_id"].tolist() == ["", "resp_1", "resp_2"]
    assert joined["true_voice_to_voice_ms"].isna().tolist() == [True, False, True]
    assert list(joined.index) == list(turns.index)


def test_a_response_that_never_spoke_has_no_truth(make_turns) -> None:
    truth = pd.DataFrame([TRUTH | {"first_audio_sent_ns": None, "audible_offset_ms": None}])
    assert with_truth(make_turns(TURN), truth)["true_voice_to_voice_ms"].isna().all()


def test_a_log_that_names_a_response_twice_does_not_double_its_turn(make_turns) -> None:
    assert len(with_truth(make_turns(TURN), pd.DataFrame([TRUTH, TRUTH]))) == 1


@pytest.mark.parametrize("truth", [pd.DataFrame(), pd.DataFrame([KEYS])])
def test_without_a_log_of_use_there_is_no_truth_and_no_error(make_turns, truth: pd.DataFrame) -> None:
    joined = with_truth(make_turns(TURN), truth)
    assert joined[["true_voice_to_voice_ms", "voice_to_voice_error_ms"]].isna().all(axis=None)
