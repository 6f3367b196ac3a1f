import pandas as pd
import pytest

from rtbench.analysis.truth import with_interruption_truth, with_truth

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


STIMULUS = {**KEYS, "onset_sample": 48_000, "barge_in_detect_ms": 181.0, "barge_in_server_stop_ms": 252.5}
INTERRUPTION = {
    **KEYS,
    "input_rate_hz": 24_000,
    "interruption_decided_sample": 48_000 + 2_400,
    "interruption_received_ns": 10 * S,
    "interruption_speech_started_sent_ns": 10 * S + 80_000_000,
    "last_audio_sent_ns": 10 * S + 150_000_000,
    "response_done_sent_ns": 10 * S + 120_000_000,
}


def _interrupted(stimuli: pd.DataFrame, **truth: object) -> pd.DataFrame:
    return with_interruption_truth(stimuli, pd.DataFrame([INTERRUPTION | truth]))


def test_a_detection_is_truly_the_audio_until_the_decision_and_the_time_to_say_so(make_stimuli) -> None:
    found = _interrupted(make_stimuli(STIMULUS)).iloc[0]
    assert found["true_barge_in_detect_ms"] == pytest.approx(100 + 80)
    assert found["barge_in_detect_error_ms"] == pytest.approx(1.0)


def test_a_stop_is_truly_over_with_the_last_audio_or_the_cancellation_whichever_is_later(
    make_stimuli,
) -> None:
    stale = _interrupted(make_stimuli(STIMULUS)).iloc[0]
    assert stale["true_barge_in_server_stop_ms"] == pytest.approx(100 + 150)
    assert stale["barge_in_server_stop_error_ms"] == pytest.approx(2.5)
    clean = _interrupted(make_stimuli(STIMULUS), last_audio_sent_ns=10 * S + 20_000_000).iloc[0]
    assert clean["true_barge_in_server_stop_ms"] == pytest.approx(100 + 120)
    silent = _interrupted(make_stimuli(STIMULUS), last_audio_sent_ns=None).iloc[0]
    assert silent["true_barge_in_server_stop_ms"] == pytest.approx(100 + 120)


def test_of_several_sounds_in_an_answer_the_last_before_the_decision_has_the_truth(make_stimuli) -> None:
    onsets = (40_000, 48_000, 60_000)
    stimuli = make_stimuli(*[STIMULUS | {"onset_sample": onset} for onset in onsets])
    found = _interrupted(stimuli)
    assert found["true_barge_in_detect_ms"].notna().tolist() == [False, True, False]


def test_a_sound_into_silence_or_into_an_answer_that_went_on_has_no_truth(make_stimuli) -> None:
    stimuli = make_stimuli(STIMULUS | {"response_id": ""}, STIMULUS | {"response_id": "resp_9"})
    assert _interrupted(stimuli)["barge_in_detect_error_ms"].isna().all()
    undecided = _interrupted(make_stimuli(STIMULUS), interruption_decided_sample=None)
    assert undecided["barge_in_detect_error_ms"].isna().all()


@pytest.mark.parametrize("truth", [pd.DataFrame(), pd.DataFrame([TRUTH])])
def test_a_log_without_interruptions_gives_no_truth_of_any(make_stimuli, truth: pd.DataFrame) -> None:
    found = with_interruption_truth(make_stimuli(STIMULUS), truth)
    assert found["true_barge_in_server_stop_ms"].isna().all()
    assert found["barge_in_server_stop_error_ms"].isna().all()
