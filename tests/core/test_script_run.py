from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.core.client_events import (
    InputAudioClear,
    InputAudioCommit,
    ItemTruncate,
    ResponseCancel,
    ResponseCreate,
)
from rtbench.core.impairment import Conditions
from rtbench.core.metrics.turn_taking import (
    barge_in_detect_ms,
    barge_in_heard_stop_ms,
    false_interruption,
    post_interrupt_ms,
    truncation_error_ms,
    yielded,
)
from rtbench.core.microphone import PlayClip
from rtbench.core.script import (
    ChangeNetwork,
    Clip,
    Disturb,
    Interrupt,
    Listen,
    Moment,
    Pause,
    Say,
    SessionConfig,
    StaySilent,
)
from rtbench.core.script_run import SETTLE_NS

MS = 1_000_000
MANUAL = SessionConfig(settings={"type": "realtime"}, manual_turns=True)
LISTEN = Listen(timeout_ns=8_000 * MS)
AFTER_1_S = Moment(heard_ns=1_000 * MS)


def answer(caller, agent, ms: float, *audio_ms: int, response_id: str = "r1", is_done: bool = True) -> None:
    """An answer that begins at an instant, all of it at once."""
    caller.hear(ms, agent.stopped, agent.created(response_id))
    caller.hear(ms, *(agent.audio(length_ms, response_id, f"i_{response_id}") for length_ms in audio_ms))
    if is_done:
        caller.hear(ms, agent.audio_done(response_id), agent.done(response_id))


# Interrupt.


def test_an_interruption_starts_on_the_frame_boundary_after_so_much_was_heard(
    caller, agent, hello, wait
) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, 5_000)
    assert run.wake_ms == 2_560  # the clip's speech begins 40 ms into it
    run.sleep_until(2_600)
    assert run.clips == [("hello", 300), ("wait", 2_580)]
    run.hear(2_800, agent.started)
    run.sleep_until(3_220)
    answer(run, agent, 4_000, 900, response_id="r2")
    run.sleep_until(4_900)

    assert (run.outcomes, run.outcome) == (["answered", "answered"], "completed")
    assert [(turn.clip, turn.barged_in, turn.expects_answer) for turn in run.turns] == [
        ("hello", True, True),
        ("wait", False, True),
    ]
    (stimulus,) = run.stimuli
    assert (stimulus.number, stimulus.turn, stimulus.kind, stimulus.clip) == (1, 1, "interrupt", "wait")
    assert (stimulus.response_id, stimulus.policy) == ("r1", "flush_on_speech_started")
    assert (stimulus.onset_ns, stimulus.end_ns) == (2_620 * MS, 3_220 * MS)
    assert stimulus.unheard_ms == 3_980.0
    assert (barge_in_detect_ms(stimulus), barge_in_heard_stop_ms(stimulus)) == (180.0, 180.0)
    assert (yielded(stimulus), post_interrupt_ms(stimulus)) == (1.0, 780.0)
    assert (stimulus.truncate_audio_end_ms, truncation_error_ms(stimulus)) == (1_200, 0.0)


@pytest.mark.parametrize(
    ("moment", "played_ms"),
    [
        (Moment(heard_ns=0), 1_860),
        (Moment(heard_ns=500 * MS), 2_780),
        (Moment(fraction=0.5), 2_660),
        (Moment(elapsed_ns=500 * MS), 2_380),
        (Moment(elapsed_ns=0), 1_860),
    ],
    ids=str,
)
def test_moments_are_those_of_the_player_whatever_it_waits_for(
    caller, agent, hello, wait, moment, played_ms
) -> None:
    """300 ms of silence and 300 of sound from 1.6 s on; the player is dry from 2.2 to 2.6 s; then 800 ms more.

    The clip begins on the first frame boundary from 40 ms before its moment on.
    """
    run = caller(Say(hello), Interrupt(wait, moment, kind="overlap"), LISTEN)
    answer(run, agent, 1_600, is_done=False)
    run.hear(1_600, agent.audio(309, silent=True), agent.audio(291))  # audible at 300 ms
    run.hear(2_600, agent.audio(800), agent.audio_done(), agent.done())
    run.sleep_until(3_400)
    assert run.clips[1] == ("wait", played_ms)


def test_at_a_pace_of_twice_real_time_a_fraction_is_met_as_soon_as_the_length_is_known(
    caller, agent, hello, wait
) -> None:
    run = caller(Say(hello), Interrupt(wait, Moment(fraction=0.25)), LISTEN)
    answer(run, agent, 1_600, is_done=False)
    for number in range(20):
        run.hear(1_600 + 100 * number, agent.audio(200))
    assert len(run.clips) == 1
    run.hear(3_600, agent.audio_done(), agent.done())  # 2.0 of 4.0 s were heard
    assert run.clips[1] == ("wait", 3_620)


def test_in_real_time_a_second_has_been_heard_when_its_audio_has_come(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, is_done=False)
    for number in range(11):
        run.hear(1_600 + 100 * number, agent.audio(100))
    assert run.clips[1] == ("wait", 2_620)  # the sample arrived at 2600, too late for a start at 2560
    run.sleep_until(2_900)
    run.hear(2_900, agent.started)
    assert run.sent_events(ItemTruncate)[0].audio_end_ms == 1_100


def test_a_second_is_heard_across_a_preamble_and_the_answer_behind_it(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, 700)
    run.hear(1_700, agent.created("r2"))
    run.sleep_until(2_900)
    run.hear(3_000, agent.audio(900, "r2"), agent.done("r2"))
    run.sleep_until(4_000)
    assert run.clips[1] == ("wait", 3_260)  # 300 ms into the second one


def test_a_second_response_without_sound_is_waited_for(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, Moment(heard_ns=0)), LISTEN)
    answer(run, agent, 1_600, 20)  # too short to be audible
    run.hear(1_600, agent.created("r2"))
    run.sleep_until(3_000)
    assert len(run.clips) == 1


def test_an_answer_that_ends_before_the_moment_is_heard_out_and_nothing_is_said(
    caller, agent, hello, wait
) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN, Say(hello), LISTEN)
    answer(run, agent, 1_600, 900)
    run.sleep_until(2_500)
    assert run.outcomes == ["answered"]
    assert not run.turns[0].barged_in
    assert run.stimuli == []
    assert run.clips[1][0] == "hello"


def test_an_answer_that_never_comes_is_waited_for_as_long_as_for_any(caller, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), answer_timeout_ns=4_000 * MS)
    run.sleep_until(20_000)
    assert (run.outcomes, run.turns[0].closed_ns) == (["no_answer"], (1_150 + 4_000) * MS)
    assert run.outcome == "completed"


def test_a_service_that_misses_the_interruption_is_heard_out(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, 6_000)
    run.sleep_until(7_800)
    answer(run, agent, 8_000, 500, response_id="r2")
    run.sleep_until(8_500)
    (stimulus,) = run.stimuli
    assert run.outcomes == ["answered", "answered"]
    assert yielded(stimulus) == 0.0
    assert barge_in_detect_ms(stimulus) is None
    assert barge_in_heard_stop_ms(stimulus) == 7_600 - 2_620
    assert run.turns[1].overlap_ms == 600.0


def test_a_double_barge_in_is_two_stimuli_and_three_turns(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), Interrupt(wait, AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, 5_000)
    run.hear(2_800, agent.started)
    run.sleep_until(3_220)
    answer(run, agent, 4_000, 5_000, response_id="r2")
    run.hear(5_250, agent.started)  # the second onset is at 5020
    run.sleep_until(5_700)
    answer(run, agent, 6_000, 400, response_id="r3")
    run.sleep_until(6_400)

    assert run.outcomes == ["answered"] * 3
    assert [turn.barged_in for turn in run.turns] == [True, True, False]
    first, second = run.stimuli
    assert (first.turn, second.turn) == (1, 2)
    assert (first.response_id, second.response_id) == ("r1", "r2")
    assert (barge_in_heard_stop_ms(first), barge_in_heard_stop_ms(second)) == (180.0, 230.0)
    assert (post_interrupt_ms(first), post_interrupt_ms(second)) == (780.0, 380.0)
    assert first.closed_ns == second.onset_ns == 5_020 * MS
    assert [event.item_id for event in run.sent_events(ItemTruncate)] == ["i_r1", "i_r2"]


# Turns taken by hand.


def test_with_manual_turns_the_caller_cancels_clears_and_truncates_then_commits_and_asks(
    caller, agent, hello, wait
) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN, session=MANUAL)
    answer(run, agent, 1_600, 3_000, is_done=False)
    run.sleep_until(2_560)
    pressed = run.sent[-4:]
    assert [type(out.event) for out in pressed] == [ItemTruncate, ResponseCancel, InputAudioClear, PlayClip]
    assert [out.due_ns for out in pressed] == [2_560 * MS] * 4
    assert (pressed[0].event.item_id, pressed[0].event.audio_end_ms) == ("i_r1", 960)
    run.hear(2_600, agent.cancelled(reason="client_cancelled"))  # the first sound is due at 2620
    run.sleep_until(3_220)
    assert [(type(out.event), out.due_ns / MS) for out in run.sent[-2:]] == [
        (InputAudioCommit, 3_220),
        (ResponseCreate, 3_220),
    ]
    run.hear(3_600, agent.created("r2"), agent.audio(300, "r2"), agent.done("r2"))
    run.sleep_until(3_900)

    assert run.outcomes == ["answered", "answered"]
    assert [turn.kind for turn in run.turns] == ["manual", "manual"]
    (stimulus,) = run.stimuli
    assert (stimulus.cancelled_ns, stimulus.cancel_sent_ns) == (2_600 * MS, 2_560 * MS)
    assert barge_in_heard_stop_ms(stimulus) == -60.0
    assert yielded(stimulus) == 1.0


def test_nothing_is_cancelled_that_has_ended(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN, session=MANUAL)
    answer(run, agent, 1_600, 3_000)
    run.sleep_until(2_560)
    assert run.sent_events(ResponseCancel) == []
    assert len(run.sent_events(ItemTruncate)) == len(run.sent_events(InputAudioClear)) == 1


# Disturb.


def test_a_backchannel_that_is_ignored_leaves_the_turn_as_it_is(caller, agent, hello, cough) -> None:
    run = caller(Say(hello), Disturb(cough, "backchannel", AFTER_1_S), LISTEN, Say(hello), LISTEN)
    answer(run, agent, 1_600, 4_000)
    run.sleep_until(5_599)
    assert (run.turns, run.stimuli) == ([], [])
    run.sleep_until(5_600)
    assert run.clips[1:] == [("cough", 2_580), ("hello", 5_620)]
    (turn,) = run.turns
    assert (turn.outcome, turn.barged_in) == ("answered", False)
    (stimulus,) = run.stimuli
    assert (stimulus.kind, stimulus.takes_turn, stimulus.turn) == ("backchannel", False, 1)
    assert (stimulus.onset_ns, stimulus.end_ns) == (2_600 * MS, 2_800 * MS)
    assert false_interruption(stimulus) == 0.0


def test_before_speaking_again_the_caller_waits_until_an_answer_would_have_come(
    caller, agent, hello, cough
) -> None:
    run = caller(Say(hello), Disturb(cough, "cough", AFTER_1_S), LISTEN, Say(hello), LISTEN)
    answer(run, agent, 1_600, 1_500)
    run.sleep_until(4_799)
    assert (len(run.clips), run.wake_ms) == (2, 4_800)
    run.sleep_until(4_800)
    assert run.clips[2] == ("hello", 4_820)
    assert SETTLE_NS == 2_000 * MS


def test_a_cough_that_stops_the_agent_and_draws_an_answer_is_waited_out(caller, agent, hello, cough) -> None:
    run = caller(Say(hello), Disturb(cough, "cough", AFTER_1_S), LISTEN, Say(hello), LISTEN)
    answer(run, agent, 1_600, 4_000, is_done=False)
    run.hear(2_700, agent.started)
    run.hear(2_720, agent.cancelled())
    run.hear(3_400, agent.stopped, agent.created("r2"))
    run.hear(3_500, agent.audio(2_500, "r2"))
    run.hear(3_600, agent.done("r2"))
    run.sleep_until(5_999)
    assert (run.outcomes, len(run.clips)) == (["cancelled"], 2)
    run.sleep_until(6_000)
    assert len(run.clips) == 3
    (stimulus,) = run.stimuli
    assert false_interruption(stimulus) == 1.0
    assert stimulus.silent_ns == 2_700 * MS
    assert stimulus.answer_audible_ns == stimulus.resumed_ns == 3_500 * MS
    assert run.turns[0].response_id == "r1"


def test_a_false_answer_that_never_ends_is_given_up_after_the_answer_s_timeout(
    caller, agent, hello, cough
) -> None:
    run = caller(Disturb(cough, "cough"), Say(hello), answer_timeout_ns=3_000 * MS)
    assert run.clips == [("cough", 300)]
    run.hear(1_000, agent.created("r1"))
    run.sleep_until(5_519)
    assert len(run.clips) == 1
    run.sleep_until(5_520)  # 520 end of the cough, 2000 to settle, 3000 of patience
    assert run.clips[1][0] == "hello"


def test_a_sound_into_silence_that_draws_an_answer(caller, agent, hello, cough) -> None:
    run = caller(Disturb(cough, "click"), Disturb(cough, "noise"), Say(hello), LISTEN)
    answer(run, agent, 1_200, 700)
    run.sleep_until(2_520)
    assert run.clips[1] == ("cough", 2_540)
    run.sleep_until(4_760)
    assert len(run.clips) == 3
    click, noise = run.stimuli
    assert (click.kind, click.response_id, click.turn) == ("click", "", 0)
    assert (false_interruption(click), false_interruption(noise)) == (1.0, 0.0)
    assert run.turns == []


def test_a_sound_that_was_to_fall_into_an_answer_is_not_made_where_there_is_none(
    caller, agent, hello, cough
) -> None:
    run = caller(
        Say(hello), Disturb(cough, "cough", AFTER_1_S), Disturb(cough, "noise", AFTER_1_S), LISTEN, Say(hello)
    )
    answer(run, agent, 1_600, 500)
    run.sleep_until(2_200)
    assert [name for name, _ in run.clips] == ["hello", "hello"]
    assert run.stimuli == []


def test_a_sound_into_silence_waits_for_the_answer_under_way(caller, agent, hello, cough) -> None:
    run = caller(Say(hello), Disturb(cough, "cough"), LISTEN)
    answer(run, agent, 1_600, 500)
    run.sleep_until(2_100)
    assert run.outcomes == ["answered"]
    assert run.clips[1] == ("cough", 2_100)
    run.sleep_until(9_000)
    assert [stimulus.kind for stimulus in run.stimuli] == ["cough"]
    assert run.outcome == "completed"


def test_two_sounds_into_one_answer(caller, agent, hello, cough) -> None:
    later = Moment(heard_ns=2_500 * MS)
    run = caller(
        Say(hello), Disturb(cough, "cough", AFTER_1_S), Disturb(cough, "click", later), LISTEN, Say(hello)
    )
    answer(run, agent, 1_600, 6_000)
    run.sleep_until(7_600)
    assert run.clips[1:3] == [("cough", 2_580), ("cough", 4_100)]
    cough_made, click_made = run.stimuli
    assert cough_made.closed_ns == click_made.onset_ns
    assert [false_interruption(each) for each in (cough_made, click_made)] == [None, 0.0]


def test_noise_sounds_from_its_first_sample_to_its_last(caller, agent, hello) -> None:
    noise = Clip("noise", 1_500 * MS, speech_start_ns=1_500 * MS, speech_end_ns=1_500 * MS, role="noise")
    run = caller(Say(hello), Disturb(noise, "noise", AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, 4_000)
    run.sleep_until(9_000)
    assert run.clips[1] == ("noise", 2_620)
    (stimulus,) = run.stimuli
    assert (stimulus.onset_ns, stimulus.end_ns) == (2_620 * MS, 4_120 * MS)


# Silence.


def test_silence_takes_its_time_and_no_more(caller, hello) -> None:
    run = caller(StaySilent(4_000 * MS), Say(hello))
    assert run.wake_ms == 4_300
    run.sleep_until(4_300)
    assert run.clips == [("hello", 4_300)]
    (stimulus,) = run.stimuli
    assert (stimulus.kind, stimulus.clip, stimulus.takes_turn) == ("silence", "", False)
    assert (stimulus.onset_ns, stimulus.end_ns, stimulus.closed_ns) == (300 * MS, 4_300 * MS, 4_300 * MS)


def test_what_the_agent_says_into_silence_is_heard_out(caller, agent, hello) -> None:
    run = caller(StaySilent(4_000 * MS), Say(hello))
    run.hear(4_000, agent.created("r1"))
    run.hear(4_200, agent.audio(1_500))
    run.hear(4_400, agent.done())
    assert run.wake_ms == 5_700
    run.sleep_until(5_700)
    assert run.clips == [("hello", 5_700)]
    assert run.stimuli[0].answer_audible_ns == 4_200 * MS
    assert run.turns == []


def test_what_the_agent_had_said_before_the_silence_is_over_does_not_wake_the_caller(
    caller, agent, hello
) -> None:
    run = caller(StaySilent(4_000 * MS), Say(hello))
    run.hear(400, agent.created("r1"), agent.audio(500), agent.done())
    assert run.wake_ms == 4_300


def test_a_prompt_that_never_ends_is_given_up(caller, agent, hello) -> None:
    run = caller(StaySilent(1_000 * MS), Say(hello), answer_timeout_ns=2_000 * MS)
    run.hear(1_200, agent.created("r1"))
    assert run.wake_ms == 3_300
    run.sleep_until(3_300)
    assert run.clips == [("hello", 3_300)]


# Ends.


@pytest.mark.parametrize("is_heard", [True, False])
def test_asked_to_stop_the_caller_does_not_speak_into_the_answer_any_more(
    caller, agent, hello, wait, is_heard
) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN)
    if is_heard:
        answer(run, agent, 1_600, 3_000)
        run.stop(2_000)
    else:
        run.stop(500)
        answer(run, agent, 1_600, 3_000)
    run.sleep_until(4_600)
    assert (run.outcomes, run.outcome) == (["answered"], "drained")
    assert (len(run.clips), run.stimuli) == (1, [])


def test_asked_to_stop_while_interrupting_the_caller_hears_the_new_answer(caller, agent, hello, wait) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), Interrupt(wait, AFTER_1_S), LISTEN)
    answer(run, agent, 1_600, 3_000)
    run.stop(2_900)
    run.hear(2_900, agent.started)
    run.sleep_until(3_220)
    answer(run, agent, 3_700, 2_000, response_id="r2")
    run.sleep_until(5_700)
    assert (run.outcomes, run.outcome) == (["answered", "answered"], "drained")
    assert [yielded(stimulus) for stimulus in run.stimuli] == [None]  # little was left unheard


def test_asked_to_stop_while_the_effects_of_a_sound_are_open_the_caller_goes(caller, hello, cough) -> None:
    run = caller(Disturb(cough, "cough"), Say(hello))
    run.stop(900)
    assert (run.outcome, run.turns) == ("drained", [])
    assert [false_interruption(stimulus) for stimulus in run.stimuli] == [None]


def test_asked_to_stop_in_silence_the_caller_goes(caller, hello) -> None:
    run = caller(StaySilent(60_000 * MS), Say(hello))
    run.stop(1_000)
    assert run.outcome == "drained"


@pytest.mark.parametrize("end", ["abort", "hang_up"])
@pytest.mark.parametrize(
    ("at_ms", "stimuli", "outcomes"),
    [
        (2_000, 0, 1),  # the answer is being heard
        (2_600, 0, 2),  # the clip is playing, and no sound was due yet
        (2_700, 1, 2),  # the caller speaks into the answer
        (3_000, 1, 2),  # the player was flushed
        (4_200, 1, 2),  # the new answer is being heard
    ],
)
def test_the_end_may_come_in_every_state(caller, agent, hello, wait, end, at_ms, stimuli, outcomes) -> None:
    run = caller(Say(hello), Interrupt(wait, AFTER_1_S), LISTEN)
    story: list[tuple[int, tuple[Any, ...]]] = [
        (1_600, (agent.stopped, agent.created(), agent.audio(5_000))),
        (2_800, (agent.started, agent.cancelled())),
        (4_000, (agent.stopped, agent.created("r2"), agent.audio(900, "r2"))),
    ]
    for ms, events in story:
        if ms < at_ms:
            run.hear(ms, *events)
    getattr(run, end)(at_ms)

    last = "interrupted" if end == "abort" else "dropped"
    assert run.outcome == last
    assert len(run.stimuli) == stimuli
    assert (len(run.turns), run.outcomes[-1]) == (outcomes, last)
    assert [yielded(each) for each in run.stimuli] == [1.0 if at_ms >= 3_000 else None][:stimuli]
    assert run.wake_ms is None
    run.hear(at_ms + 10, agent.started, agent.audio(100))
    assert run.machine.next_wake() is None


# Any story.

CLIPS = (
    Clip("a", 500 * MS, 0, 500 * MS),
    Clip("b", 300 * MS, 30 * MS, 250 * MS),
    Clip("c", 900 * MS, 100 * MS, 800 * MS, holds=((300 * MS, 500 * MS),)),
)
MOMENTS = st.one_of(
    st.builds(Moment, heard_ns=st.sampled_from([0, 300 * MS, 900 * MS])),
    st.builds(Moment, fraction=st.sampled_from([0.0, 0.5, 0.99])),
    st.builds(Moment, elapsed_ns=st.sampled_from([0, 700 * MS])),
)
STEP = st.one_of(
    st.builds(Say, st.sampled_from(CLIPS), st.booleans()),
    st.builds(Listen, st.sampled_from([0, 900 * MS])),
    st.builds(Pause, st.sampled_from([0, 400 * MS])),
    st.builds(Interrupt, st.sampled_from(CLIPS), MOMENTS),
    st.builds(Disturb, st.sampled_from(CLIPS), st.just("cough"), st.one_of(st.none(), MOMENTS)),
    st.builds(StaySilent, st.sampled_from([0, 1_000 * MS])),
)


@pytest.fixture(scope="module")
def inputs(agent) -> dict[str, Any]:
    of_responses = {
        f"{name} {response_id}": event
        for response_id in ("r1", "r2", "r3")
        for name, event in {
            "created": agent.created(response_id),
            "sound": agent.audio(400, response_id),
            "long sound": agent.audio(2_500, response_id, "i2"),
            "silence": agent.audio(400, response_id, silent=True),
            "audio done": agent.audio_done(response_id),
            "done": agent.done(response_id),
            "cancelled": agent.cancelled(response_id),
        }.items()
    }
    return of_responses | {
        "started": agent.started,
        "stopped": agent.stopped,
        "truncated": agent.truncated("i1"),
        "refused": agent.refused("truncate_1"),
    }


@settings(deadline=None, max_examples=250)
@given(data=st.data(), steps=st.lists(STEP, max_size=6))
def test_any_script_comes_to_an_end_without_a_busy_loop_whatever_the_service_does(
    data, steps, caller, inputs
) -> None:
    run = caller(
        *steps,
        session=SessionConfig(
            manual_turns=data.draw(st.booleans()), interrupts_by_itself=data.draw(st.booleans())
        ),
        policy=data.draw(st.sampled_from(["flush_on_speech_started", "passive"])),
        prebuffer_ns=data.draw(st.sampled_from([0, 600 * MS])),
        answer_timeout_ns=1_500 * MS,
    )
    now = float(run.ready_ms)
    story = st.lists(st.tuples(st.integers(0, 700), st.sampled_from([*inputs, "stop"])), max_size=25)
    for gap_ms, name in data.draw(story):
        now += gap_ms
        if name == "stop":
            run.stop(now)
        else:
            run.hear(now, inputs[name])
        assert run.wake_ms is None or run.wake_ms > now  # all that was due has been done
    run.sleep_until(now + 600_000)

    assert run.outcome in ("completed", "drained")
    assert len(run.turns) == run.machine.session.turns
    assert [turn.number for turn in run.turns] == list(range(1, len(run.turns) + 1))
    for stimulus in run.stimuli:
        assert stimulus.closed_ns >= stimulus.onset_ns
        assert stimulus.truncate_heard_ms is None or -1 < truncation_error_ms(stimulus) <= 0


# Another network.


def test_a_network_changes_at_its_step_and_costs_no_time(caller, agent, hello, wait) -> None:
    tunnel = ChangeNetwork(Conditions(delay_ms=300.0))
    open_air = ChangeNetwork(Conditions())
    run = caller(Say(hello), tunnel, LISTEN, open_air, Say(wait), LISTEN)
    run.sleep_until(1_300)
    assert run.sent_events(ChangeNetwork) == [tunnel]
    answer(run, agent, 1_600, 900)
    run.sleep_until(2_520)

    assert run.sent_events(ChangeNetwork) == [tunnel, open_air]
    assert run.clips == [("hello", 300), ("wait", 2_500)]
    assert [turn.expects_answer for turn in run.turns] == [True]


def test_a_change_of_network_after_an_utterance_is_no_listening(caller, hello, wait) -> None:
    run = caller(Say(hello), ChangeNetwork(Conditions()), Say(wait), LISTEN)
    run.sleep_until(4_000)

    assert run.turns[0].expects_answer is False
