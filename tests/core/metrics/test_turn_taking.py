from dataclasses import replace

import pytest

from rtbench.core.metrics.turn_taking import (
    STIMULUS_METRICS,
    barge_in_detect_ms,
    barge_in_heard_stop_ms,
    barge_in_server_stop_ms,
    cut_in,
    false_interruption,
    is_eligible,
    missed_interruption,
    overlap_ms,
    post_interrupt_ms,
    resume_ms,
    resumed,
    stale_audio_ms,
    stale_heard_ms,
    truncation_error_ms,
    truncation_rejected,
    yielded,
)
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn

MS = 1_000_000
ONSET = 50_000 * MS

INTERRUPTION = Stimulus(
    number=1,
    turn=1,
    kind="interrupt",
    clip="wait",
    takes_turn=True,
    response_id="r1",
    onset_ns=ONSET,
    end_ns=ONSET + 600 * MS,
    unheard_ms=5_000.0,
    closed_ns=ONSET + 10_000 * MS,
)
COUGH = replace(INTERRUPTION, kind="cough", takes_turn=False, end_ns=ONSET + 200 * MS)
SILENCE = replace(COUGH, kind="silence", response_id="")


def after(onset_ms: float) -> int:
    """An instant, by the onset."""
    return ONSET + round(onset_ms * MS)


def test_of_a_stimulus_that_nothing_followed_only_the_rates_have_a_value() -> None:
    found = {metric.name: metric.compute(INTERRUPTION) for metric in STIMULUS_METRICS}
    assert {name for name, value in found.items() if value is not None} == {"yielded", "missed_interruption"}


def test_of_a_silence_nothing_is_measured() -> None:
    answered = replace(SILENCE, answer_created_ns=after(300), silent_ns=after(100), flushed_ns=after(100))
    assert {metric.compute(answered) for metric in STIMULUS_METRICS} == {None}


# Stopping the agent.


@pytest.mark.parametrize("ms", [180.0, 0.0, -35.5])
def test_detection_is_from_the_onset_to_speech_started_and_signed(ms) -> None:
    heard = {"speech_started_ns": after(ms)}
    assert barge_in_detect_ms(replace(INTERRUPTION, **heard)) == ms
    assert barge_in_detect_ms(replace(COUGH, **heard)) is None


@pytest.mark.parametrize(
    ("cancelled_ms", "last_audio_ms", "stop_ms"),
    [(210, 190, 210), (210, 410, 410), (210, None, 210), (-40, -60, -40), (None, 400, None)],
)
def test_the_service_has_stopped_with_its_last_audio_or_its_cancellation_whichever_is_later(
    cancelled_ms, last_audio_ms, stop_ms
) -> None:
    stimulus = replace(
        INTERRUPTION,
        cancelled_ns=None if cancelled_ms is None else after(cancelled_ms),
        last_audio_ns=None if last_audio_ms is None else after(last_audio_ms),
    )
    assert barge_in_server_stop_ms(stimulus) == stop_ms
    assert barge_in_server_stop_ms(replace(stimulus, takes_turn=False)) is None


@pytest.mark.parametrize("ms", [250.0, -120.0])
def test_the_heard_stop_is_when_the_player_went_silent_even_before_the_onset(ms) -> None:
    assert barge_in_heard_stop_ms(replace(INTERRUPTION, silent_ns=after(ms))) == ms
    assert barge_in_heard_stop_ms(replace(COUGH, silent_ns=after(ms))) is None


@pytest.mark.parametrize("stimulus", [INTERRUPTION, COUGH], ids=lambda stimulus: stimulus.kind)
def test_audio_is_stale_only_behind_a_cancellation(stimulus) -> None:
    stale = replace(stimulus, stale_audio_ms=200.0, stale_heard_ms=150.0)
    assert stale_audio_ms(stale) is stale_heard_ms(stale) is None
    cancelled = replace(stale, cancelled_ns=after(200))
    assert (stale_audio_ms(cancelled), stale_heard_ms(cancelled)) == (200.0, 150.0)
    clean = replace(stimulus, cancelled_ns=after(200))
    assert (stale_audio_ms(clean), stale_heard_ms(clean)) == (0.0, 0.0)


# Yielding.


@pytest.mark.parametrize(
    ("silent_ms", "value"), [(300, 1.0), (2_000, 1.0), (2_000.001, 0.0), (-50, 1.0), (None, 0.0)]
)
def test_an_agent_yields_if_it_is_silent_within_two_seconds(silent_ms, value) -> None:
    stimulus = replace(INTERRUPTION, silent_ns=None if silent_ms is None else after(silent_ms))
    assert yielded(stimulus) == value
    assert missed_interruption(stimulus) == 1.0 - value


@pytest.mark.parametrize(("unheard_ms", "eligible"), [(2_000.001, True), (2_000.0, False), (0.0, False)])
def test_an_interruption_is_eligible_with_more_than_two_seconds_unheard(unheard_ms, eligible) -> None:
    stimulus = replace(INTERRUPTION, unheard_ms=unheard_ms)
    assert is_eligible(stimulus) is eligible
    assert (yielded(stimulus) is not None) is (missed_interruption(stimulus) is not None) is eligible


@pytest.mark.parametrize(
    ("was_producing", "cancelled", "silent_ms", "value"),
    [
        (True, True, 400, 1.0),
        (True, True, 2_100, 0.0),
        (True, False, 1_900, 0.0),  # it spoke to its end
        (True, False, 500.001, 0.0),
        (True, False, 500, None),  # and this one was as good as over
        (False, True, 400, None),
        (False, False, 1_900, None),
    ],
)
def test_an_answer_still_being_produced_counts_whether_it_was_cut_off_or_not(
    was_producing, cancelled, silent_ms, value
) -> None:
    stimulus = replace(INTERRUPTION, unheard_ms=silent_ms * 0.9, was_producing=was_producing)
    stimulus.silent_ns = after(silent_ms)
    stimulus.cancelled_ns = after(300) if cancelled else None
    assert yielded(stimulus) == value
    assert is_eligible(stimulus) is (value is not None)


def test_near_the_ends_of_answers_the_share_is_that_of_all_others() -> None:
    """A service that notices every second interruption, 500 ms after its onset, in answers with 0.1 to 4 s left."""
    values = []
    for left_ms in range(100, 4_001, 100):
        for noticed in (True, False):
            cut = noticed and left_ms > 500
            silent_ms = 500 if cut else left_ms
            stimulus = replace(INTERRUPTION, was_producing=True, unheard_ms=min(silent_ms, left_ms))
            stimulus.silent_ns = after(silent_ms)
            stimulus.cancelled_ns = after(500) if cut else None
            values.append(yielded(stimulus))
    judged = [value for value in values if value is not None]
    assert sum(judged) / len(judged) == 0.5


def test_sounds_into_silence_and_disturbances_are_no_eligible_interruptions() -> None:
    assert not is_eligible(replace(INTERRUPTION, response_id=""))
    assert not is_eligible(COUGH)
    assert yielded(COUGH) is missed_interruption(COUGH) is None


@pytest.mark.parametrize(
    ("closed_ms", "silent_ms", "value"),
    [(1_999, None, None), (2_000, None, 0.0), (500, 300, 1.0)],
)
def test_an_interruption_that_was_not_watched_to_the_limit_is_judged_only_if_the_agent_stopped(
    closed_ms, silent_ms, value
) -> None:
    stimulus = replace(INTERRUPTION, closed_ns=after(closed_ms))
    stimulus.silent_ns = None if silent_ms is None else after(silent_ms)
    assert yielded(stimulus) == value
    assert is_eligible(stimulus) is (value is not None)


# Disturbances.


@pytest.mark.parametrize(
    ("silent_ms", "value"), [(300, 1.0), (1_000, 1.0), (1_000.001, 0.0), (None, 0.0), (-10, 1.0)]
)
@pytest.mark.parametrize("how", ["flushed_ns", "cancelled_ns"])
def test_a_disturbance_that_stops_the_agent_within_a_second_is_a_false_interruption(
    how, silent_ms, value
) -> None:
    silent_ns = None if silent_ms is None else after(silent_ms)
    assert false_interruption(replace(COUGH, silent_ns=silent_ns, **{how: after(250)})) == value


def test_an_agent_that_came_to_its_own_end_was_not_stopped() -> None:
    assert false_interruption(replace(COUGH, silent_ns=after(300))) == 0.0
    assert resumed(replace(COUGH, silent_ns=after(300), resumed_ns=after(900))) is None


@pytest.mark.parametrize(("after_end_ms", "value"), [(600, 1.0), (2_000, 1.0), (2_000.001, 0.0), (-100, 1.0)])
def test_a_disturbance_that_draws_an_answer_within_two_seconds_of_its_end_is_a_false_interruption(
    after_end_ms, value
) -> None:
    drawn = replace(COUGH, response_id="", answer_created_ns=after(200 + after_end_ms))
    assert false_interruption(drawn) == value
    assert false_interruption(replace(drawn, takes_turn=True)) is None


@pytest.mark.parametrize(("closed_ms", "value"), [(2_199, None), (2_200, 0.0)])
def test_a_disturbance_is_harmless_only_once_it_was_watched_to_the_limit(closed_ms, value) -> None:
    assert false_interruption(replace(COUGH, closed_ns=after(closed_ms))) == value
    stopped = replace(COUGH, closed_ns=after(closed_ms), flushed_ns=after(90), silent_ns=after(90))
    assert false_interruption(stopped) == 1.0


def test_the_agent_resumes_after_a_disturbance_that_stopped_it() -> None:
    stopped = replace(COUGH, flushed_ns=after(150), silent_ns=after(150))
    assert (resumed(stopped), resume_ms(stopped)) == (0.0, None)
    again = replace(stopped, resumed_ns=after(1_450))
    assert (resumed(again), resume_ms(again)) == (1.0, 1_250.0)
    early = replace(stopped, resumed_ns=after(180))
    assert resume_ms(early) == -20.0


def test_after_an_interruption_nothing_is_to_be_resumed() -> None:
    stimulus = replace(INTERRUPTION, flushed_ns=after(150), silent_ns=after(150), resumed_ns=after(900))
    assert resumed(stimulus) is resume_ms(stimulus) is None


# What follows.


@pytest.mark.parametrize("ms", [1_100.0, -40.0])
def test_the_new_answer_is_waited_for_from_the_end_of_the_interrupting_speech(ms) -> None:
    stimulus = replace(INTERRUPTION, answer_audible_ns=after(600 + ms))
    assert post_interrupt_ms(stimulus) == ms
    assert post_interrupt_ms(replace(stimulus, takes_turn=False)) is None


@pytest.mark.parametrize(("sent_ms", "heard_ms", "error_ms"), [(900, 900.75, -0.75), (905, 900.0, 5.0)])
def test_the_truncation_error_is_what_was_told_less_what_was_heard(sent_ms, heard_ms, error_ms) -> None:
    stimulus = replace(COUGH, truncate_audio_end_ms=sent_ms, truncate_heard_ms=heard_ms)
    assert truncation_error_ms(stimulus) == error_ms
    assert truncation_error_ms(replace(stimulus, truncate_audio_end_ms=None)) is None
    assert truncation_error_ms(replace(stimulus, truncate_heard_ms=None)) is None


def test_a_truncation_is_refused_or_not_once_it_was_sent() -> None:
    sent = replace(INTERRUPTION, truncate_sent_ns=after(180))
    assert truncation_rejected(sent) == 0.0
    assert truncation_rejected(replace(sent, truncate_error="invalid_value")) == 1.0
    assert truncation_rejected(replace(INTERRUPTION, truncate_error="invalid_value")) is None


# Turns.


def test_a_turn_was_cut_into_or_not_and_both_spoke_for_so_long() -> None:
    turn = Turn(number=1, clip="c")
    assert (cut_in(turn), overlap_ms(turn)) == (0.0, 0.0)
    turn.agent_cut_in, turn.overlap_ms = True, 412.5
    assert (cut_in(turn), overlap_ms(turn)) == (1.0, 412.5)
