from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from rtbench.core.client_events import (
    ClientEvent,
    InputAudioClear,
    ItemTruncate,
    ResponseCancel,
)
from rtbench.core.exchange import Exchange
from rtbench.core.metrics.turn_taking import STIMULUS_METRICS, TURN_TAKING_METRICS, truncation_error_ms
from rtbench.core.script import Clip, Disturb, Interrupt, Listen, Moment, Say, Script, SessionConfig
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn

MS = 1_000_000
OBEDIENT = SessionConfig()
STUBBORN = SessionConfig(interrupts_by_itself=False)
CLIP = Clip("clip", 1_000 * MS, 0, 1_000 * MS)


class Talk:
    """An exchange by its milliseconds; it keeps what the caller's application sent."""

    def __init__(self, session: SessionConfig = OBEDIENT, **script: Any) -> None:
        steps = (Say(CLIP), Interrupt(CLIP, Moment(heard_ns=0)), Listen(0))
        self.sent: list[tuple[ClientEvent, float]] = []
        self.exchange = Exchange(
            Script(steps, session, **script), lambda event, due_ns: self.sent.append((event, due_ns / MS))
        )

    def at(self, ms: float, *events: Any) -> None:
        for event in events:
            self.exchange.receive(event, round(ms * MS))

    def stimulus(self, ms: float, kind: str = "interrupt", length_ms: float = 600) -> Stimulus:
        onset_ns = round(ms * MS)
        stimulus = Stimulus(
            0,
            1,
            kind,
            clip="c",
            takes_turn=kind == "interrupt",
            onset_ns=onset_ns,
            end_ns=onset_ns + round(length_ms * MS),
        )
        self.exchange.add_stimulus(stimulus, onset_ns)
        return stimulus

    def turn(self, number: int, start_ms: float) -> Turn:
        turn = Turn(
            number,
            "c",
            user_speech_start_ns=round(start_ms * MS),
            user_speech_end_ns=round((start_ms + 1_000) * MS),
        )
        self.exchange.open_turn(turn, CLIP)
        return turn

    def close(self, ms: float = 60_000) -> list[Stimulus]:
        self.exchange.close_stimuli(round(ms * MS))
        return self.exchange.finished_stimuli()

    @property
    def kinds(self) -> list[type[ClientEvent]]:
        return [type(event) for event, _ in self.sent]


@pytest.fixture
def talk() -> Talk:
    return Talk()


# What the application does.


def test_speech_into_an_answer_empties_the_player_and_truncates_the_item_to_what_was_heard(
    talk, agent
) -> None:
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.at(1_812.75, agent.started)
    ((truncate, due_ms),) = talk.sent
    assert truncate == ItemTruncate(event_id="truncate_1", item_id="i1", content_index=0, audio_end_ms=812)
    assert due_ms == 1_812.75
    assert talk.exchange.voice.playing(1_813 * MS) is None


@pytest.mark.parametrize("heard_ms", [0.0, 0.999_999, 1.0, 812.75, 4_999.5])
def test_never_more_is_told_than_was_heard_and_never_a_millisecond_less(talk, agent, heard_ms) -> None:
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.stimulus(1_000)
    talk.at(1_000 + heard_ms, agent.started)
    (stimulus,) = talk.close()
    assert stimulus.truncate_heard_ms == pytest.approx(heard_ms, abs=1e-6)
    assert -1 < truncation_error_ms(stimulus) <= 0


def test_underruns_are_not_heard(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(300))
    talk.at(1_900, agent.audio(500))
    talk.at(2_150, agent.started)
    assert talk.sent[0][0].audio_end_ms == 550


def test_the_item_that_is_heard_is_truncated_by_its_own_audio(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(700, item_id="i1"), agent.audio(2_000, item_id="i2"))
    talk.at(1_900, agent.started)
    assert [(event.item_id, event.audio_end_ms) for event, _ in talk.sent] == [("i2", 200)]


def test_a_player_that_ran_dry_in_the_middle_of_an_answer_is_emptied_too(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(300))
    talk.stimulus(1_400)
    talk.at(1_500, agent.started)
    talk.at(1_600, agent.audio(900))
    (stimulus,) = talk.close()
    assert [event.audio_end_ms for event, _ in talk.sent] == [300]
    assert (stimulus.response_id, stimulus.silent_ns) == ("r1", 1_300 * MS)


def test_an_answer_that_had_been_delivered_is_stopped_by_the_flush_alone(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(5_000), agent.done())
    talk.stimulus(2_000)
    talk.at(2_180, agent.started)
    (stimulus,) = talk.close()
    assert talk.kinds == [ItemTruncate]
    assert (stimulus.silent_ns, stimulus.cancelled_ns, stimulus.was_producing) == (2_180 * MS, None, False)


def test_nothing_is_done_where_nothing_is_playing_or_under_way(agent) -> None:
    talk = Talk(STUBBORN)
    talk.at(500, agent.started)
    talk.at(1_000, agent.created(), agent.audio(400), agent.done())
    talk.at(1_400, agent.started)
    assert talk.sent == []


def test_the_application_cancels_where_the_service_does_not_interrupt_by_itself(agent) -> None:
    talk = Talk(STUBBORN)
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.stimulus(1_400)
    talk.at(1_500, agent.started)
    talk.at(1_560, agent.cancelled(reason="client_cancelled"))
    (stimulus,) = talk.close()
    assert talk.sent[1:] == [(ResponseCancel(), 1_500)]
    assert talk.kinds == [ItemTruncate, ResponseCancel]
    assert (stimulus.cancel_sent_ns, stimulus.cancelled_ns) == (1_500 * MS, 1_560 * MS)


def test_a_response_without_any_audio_yet_is_cancelled_and_not_truncated(agent) -> None:
    talk = Talk(STUBBORN)
    talk.at(1_000, agent.created())
    talk.at(1_500, agent.started)
    assert talk.kinds == [ResponseCancel]


@pytest.mark.parametrize("session", [OBEDIENT, STUBBORN])
def test_a_passive_application_does_nothing(agent, session) -> None:
    talk = Talk(session, policy="passive")
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.stimulus(1_400)
    talk.at(1_500, agent.started)
    talk.at(1_560, agent.cancelled())
    (stimulus,) = talk.close()
    assert talk.sent == []
    assert (stimulus.policy, stimulus.flushed_ns) == ("passive", None)
    assert stimulus.silent_ns == 6_000 * MS


def test_a_second_speech_started_finds_nothing_to_stop(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.at(1_500, agent.started)
    talk.at(1_550, agent.audio(500))
    talk.at(1_600, agent.started)
    assert talk.kinds == [ItemTruncate]


def test_truncations_are_numbered_and_a_refusal_finds_its_own(talk, agent) -> None:
    for number, ms in ((1, 1_000), (2, 6_000)):
        talk.at(ms, agent.created(f"r{number}"), agent.audio(4_000, f"r{number}", f"i{number}"))
        talk.stimulus(ms + 500)
        talk.at(ms + 700, agent.started, agent.cancelled(f"r{number}"))
    talk.at(6_750, agent.refused("truncate_2"))
    talk.at(6_760, agent.truncated("i1"))
    first, second = talk.close()
    assert [event.event_id for event, _ in talk.sent] == ["truncate_1", "truncate_2"]
    assert (first.truncate_error, first.truncated_ns) == ("", 6_760 * MS)
    assert (second.truncate_error, second.truncated_ns) == ("invalid_value", None)


def test_the_button_silences_the_agent_and_begins_afresh(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.exchange.cancel_by_hand(1_500 * MS)
    assert talk.kinds == [ItemTruncate, ResponseCancel, InputAudioClear]
    assert {due_ms for _, due_ms in talk.sent} == {1_500}


def test_the_button_in_silence_only_begins_afresh(talk) -> None:
    talk.exchange.cancel_by_hand(1_500 * MS)
    assert talk.kinds == [InputAudioClear]


# Stimuli.


def test_stimuli_are_numbered_and_know_the_answer_they_fell_into(talk, agent) -> None:
    talk.stimulus(500, kind="cough")
    talk.at(1_000, agent.created(), agent.audio(3_000))
    talk.stimulus(2_000)
    found = talk.close()
    assert [(each.number, each.response_id, each.was_producing) for each in found] == [
        (1, "", False),
        (2, "r1", True),
    ]
    assert talk.exchange.finished_stimuli() == []


def test_a_flush_is_the_effect_of_the_last_sound(talk, agent) -> None:
    talk.at(1_000, agent.created(), agent.audio(5_000))
    talk.stimulus(2_000, kind="cough", length_ms=200)
    talk.stimulus(2_500)
    talk.at(2_680, agent.started, agent.cancelled())
    cough, interruption = talk.close()
    assert (cough.flushed_ns, cough.truncate_sent_ns, cough.silent_ns) == (None, None, None)
    assert (interruption.flushed_ns, interruption.silent_ns) == (2_680 * MS, 2_680 * MS)


def test_a_sound_that_was_never_made_is_no_stimulus(talk) -> None:
    talk.stimulus(2_000)
    assert talk.close(1_999) == []
    talk.stimulus(2_000)
    assert len(talk.close(2_000)) == 1


def test_disturbed_until_the_last_sound_that_was_not_to_take_the_turn(talk) -> None:
    assert talk.exchange.disturbed_until_ns() is None
    talk.stimulus(1_000, kind="cough")
    talk.stimulus(2_000, kind="noise", length_ms=5_000)
    talk.stimulus(3_000)
    talk.stimulus(4_000, kind="silence", length_ms=30_000)
    assert talk.exchange.disturbed_until_ns() == 7_000 * MS
    talk.close()
    assert talk.exchange.disturbed_until_ns() is None


def test_the_agent_is_quiet_only_when_no_response_is_under_way(talk, agent) -> None:
    talk.at(1_000, agent.created())
    assert talk.exchange.quiet_ns(1_100 * MS) is None
    talk.at(1_200, agent.audio(500), agent.done())
    assert talk.exchange.quiet_ns(1_300 * MS) == 1_700 * MS


# Turns.


def test_an_overtaken_turn_is_closed_with_the_next_and_goes_on_until_then(talk, agent) -> None:
    first = talk.turn(1, 0)
    talk.at(1_500, agent.created(), agent.audio(3_000))
    talk.stimulus(2_500)
    second = talk.turn(2, 2_500)
    talk.at(2_700, agent.started)
    talk.at(2_800, agent.cancelled())
    talk.at(4_000, agent.created("r2"), agent.audio(500, "r2"), agent.done("r2"))
    assert talk.exchange.finished_turns() == []
    assert talk.exchange.close_turn("answered", "", 4_500 * MS) is second
    assert talk.exchange.finished_turns() == [first, second]
    assert talk.exchange.finished_turns() == []
    assert (first.outcome, first.response_status, first.audio_ms) == ("answered", "cancelled", 3_000.0)
    assert (second.outcome, second.response_id) == ("answered", "r2")
    assert second.overlap_ms == 200.0  # until the flush
    assert talk.exchange.answered == 2
    assert talk.exchange.close_turn("answered", "", 4_600 * MS) is None


def test_an_overtaken_turn_whose_answer_was_not_heard_was_not_waited_for(talk, agent) -> None:
    first = talk.turn(1, 0)
    talk.turn(2, 1_500)
    talk.exchange.close_turn("no_answer", "answer_timeout", 9_000 * MS)
    assert (first.outcome, talk.exchange.answered) == ("not_asked", 0)


def test_audio_is_let_go_when_neither_turn_nor_stimulus_asks_for_it(talk, agent) -> None:
    talk.turn(1, 0)
    talk.at(1_500, agent.created(), agent.audio(1_000), agent.done())
    talk.stimulus(2_000)
    talk.exchange.close_turn("answered", "", 2_500 * MS)
    assert talk.exchange.voice.reply("r1") is not None
    talk.close(2_500)
    assert talk.exchange.voice.replies == []


def test_a_conversation_of_any_length_holds_the_audio_of_few_replies(talk, agent) -> None:
    for number in range(1, 50):
        begin_ms = 10_000 * number
        talk.turn(number, begin_ms)
        talk.at(begin_ms + 1_500, agent.created(f"r{number}"), agent.audio(900, f"r{number}"))
        talk.stimulus(begin_ms + 1_800, kind="cough", length_ms=200)
        talk.at(begin_ms + 2_000, agent.started, agent.cancelled(f"r{number}"))
        talk.exchange.close_turn("cancelled", "", (begin_ms + 2_400) * MS)
        talk.close(begin_ms + 4_000)
        assert len(talk.exchange.voice.replies) <= 1


# Moments.


def test_no_moment_comes_without_a_turn_an_answer_and_a_sound_in_it(talk, agent) -> None:
    moments = [Moment(heard_ns=0), Moment(fraction=0.5), Moment(elapsed_ns=0)]

    def known() -> set[int | None]:
        return {talk.exchange.moment_ns(moment) for moment in moments}

    assert known() == {None}
    talk.turn(1, 0)
    assert known() == {None}
    talk.at(1_500, agent.created(), agent.audio(300, silent=True), agent.audio_done())
    assert known() == {None}
    talk.at(1_600, agent.audio(700), agent.audio_done())
    assert None not in known()


def test_a_moment_that_has_not_arrived_is_not_known_yet(talk, agent) -> None:
    talk.turn(1, 0)
    talk.at(1_500, agent.created(), agent.audio(1_000))
    assert talk.exchange.moment_ns(Moment(heard_ns=999 * MS)) == 2_499 * MS
    assert talk.exchange.moment_ns(Moment(heard_ns=1_000 * MS)) is None
    assert talk.exchange.moment_ns(Moment(fraction=0.9)) is None
    assert talk.exchange.moment_ns(Moment(elapsed_ns=4_000 * MS)) == 5_500 * MS
    talk.at(1_600, agent.audio_done())
    assert talk.exchange.moment_ns(Moment(fraction=0.9)) == 2_400 * MS
    assert talk.exchange.moment_ns(Moment(fraction=1.0)) == 2_500 * MS - 1


def test_a_moment_of_what_was_flushed_never_comes(talk, agent) -> None:
    talk.turn(1, 0)
    talk.at(1_500, agent.created(), agent.audio(3_000), agent.audio_done())
    talk.at(2_000, agent.started)
    assert talk.exchange.moment_ns(Moment(heard_ns=1_000 * MS)) is None
    assert talk.exchange.moment_ns(Moment(fraction=0.5)) is None


def test_a_moment_is_counted_on_from_a_preamble_into_the_answer_behind_it(talk, agent) -> None:
    talk.turn(1, 0)
    talk.at(1_500, agent.created(), agent.audio(600), agent.done())
    talk.at(1_550, agent.created("r2"))
    assert talk.exchange.moment_ns(Moment(heard_ns=500 * MS)) == 2_000 * MS
    assert talk.exchange.moment_ns(Moment(heard_ns=700 * MS)) is None
    talk.at(3_000, agent.audio(600, "r2"))
    assert talk.exchange.moment_ns(Moment(heard_ns=700 * MS)) == 3_100 * MS


# What each fault of a service moves, and what not. The emulator's VAD hears 40 ms frames.

LISTEN = Listen(8_000 * MS)
IN_MID_WORD = Moment(heard_ns=2_000 * MS)
REPLY = "reply_order"
BARGE_IN, PASSIVE, COUGH, HESITANT = "barge in", "passive barge in", "cough", "hesitant"


@pytest.fixture(scope="module")
def scene(english, converse) -> Callable[..., dict[str, Any]]:
    """`scene(name, **faults)`: the turn-taking of one stimulus, or of a turn where there is none, in virtual time.

    The agent answers at the pace of real time, in pieces of 100 ms. A threshold of 0.1 takes a cough for speech.
    """

    def script(name: str) -> Script:
        detection = {"type": "server_vad", "silence_duration_ms": 800 if name == HESITANT else 500}
        if name == COUGH:
            detection["threshold"] = 0.1
        wire = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
        question = Say(english.clip("hesitant_number" if name == HESITANT else "delivery_question"))
        into = {
            BARGE_IN: [Interrupt(english.clip("let_me_interrupt"), IN_MID_WORD)],
            PASSIVE: [Interrupt(english.clip("let_me_interrupt"), IN_MID_WORD)],
            COUGH: [Disturb(english.clip("cough_long"), "cough", IN_MID_WORD)],
            HESITANT: [],
        }[name]
        policy = "passive" if name == PASSIVE else "flush_on_speech_started"
        return Script((question, *into, LISTEN), SessionConfig(wire), policy=policy)

    @cache
    def hold(name: str, faults: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        delay = "1200 ms" if name == HESITANT else "310 ms"
        held = converse(
            script(name),
            REPLY,
            knows=("hesitant_number",),
            pace="1x",
            response_delay=delay,
            seed=14,  # of no_answer at a rate of 0.5 it spares the first answer and strikes the second
            faults=dict(faults),
        )
        first, last = held.turns[0], held.turns[-1]
        values: dict[str, Any] = {metric.name: metric.compute(first) for metric in TURN_TAKING_METRICS}
        values |= {"false_cutoffs": first.false_cutoffs, "answered": last.outcome == "answered"}
        stimulus = held.stimuli[0] if held.stimuli else Stimulus(0, 0, "silence", clip="")
        return values | {metric.name: metric.compute(stimulus) for metric in STIMULUS_METRICS}

    return lambda name, **faults: hold(name, tuple(faults.items()))


def test_without_a_fault_turns_are_taken_well(scene) -> None:
    assert (
        scene(BARGE_IN)
        == {
            "barge_in_detect_ms": 99.0,  # 60 ms of speech, found at the end of the frame
            "barge_in_server_stop_ms": 99.0,
            "barge_in_heard_stop_ms": 99.0,
            "stale_audio_ms": 0.0,
            "stale_heard_ms": 0.0,
            "yielded": 1.0,
            "missed_interruption": 0.0,
            "false_interruption": None,
            "resumed": None,
            "resume_ms": None,
            "post_interrupt_ms": 942.0,  # 536 for the silence and the rest of its frame, 310 of delay, 96 of silence
            "truncation_error_ms": 0.0,
            "truncation_rejected": 0.0,
            "cut_in": 0.0,
            "overlap_ms": 0.0,
            "false_cutoffs": 0,
            "answered": True,
        }
    )
    hesitant = scene(HESITANT)
    assert (hesitant["cut_in"], hesitant["overlap_ms"], hesitant["false_cutoffs"]) == (0.0, 0.0, 0)


NEVER = "never"


@pytest.mark.parametrize(
    ("name", "fault", "moved"),
    [
        (BARGE_IN, {"late_cancel": "300 ms"}, {"barge_in_server_stop_ms": 300.0}),
        (
            PASSIVE,
            {"late_cancel": "300 ms"},
            {"barge_in_server_stop_ms": 300.0, "barge_in_heard_stop_ms": 300.0},
        ),
        (BARGE_IN, {"stale_audio": "200 ms"}, {"barge_in_server_stop_ms": 170.0, "stale_audio_ms": 200.0}),
        (COUGH, {"stale_audio": "200 ms"}, {"stale_audio_ms": 200.0}),
        (
            PASSIVE,
            {"stale_audio": "200 ms"},
            {
                "barge_in_server_stop_ms": 170.0,  # two more pieces, the next one due in 70 ms
                "barge_in_heard_stop_ms": 200.0,
                "stale_audio_ms": 200.0,
                "stale_heard_ms": 200.0,
            },
        ),
        (
            BARGE_IN,
            {"detection_delay": "250 ms"},
            {
                "barge_in_detect_ms": 250.0,
                "barge_in_server_stop_ms": 250.0,
                "barge_in_heard_stop_ms": 250.0,
            },
        ),
        (
            BARGE_IN,
            {"missed_interruption": 1.0},
            {
                "yielded": -1.0,
                "missed_interruption": 1.0,
                "barge_in_heard_stop_ms": 2_679.0,  # the end of the answer
                "answered": -1,
                **dict.fromkeys(
                    (
                        "barge_in_detect_ms",
                        "barge_in_server_stop_ms",
                        "stale_audio_ms",
                        "stale_heard_ms",
                        "post_interrupt_ms",
                        "truncation_error_ms",
                        "truncation_rejected",
                    ),
                    NEVER,
                ),
            },
        ),
        (BARGE_IN, {"truncation_rejected": 1.0}, {"truncation_rejected": 1.0}),
        (COUGH, {"truncation_rejected": 1.0}, {"truncation_rejected": 1.0}),
        (BARGE_IN, {"late_answer": "400 ms"}, {"post_interrupt_ms": 400.0}),
        (COUGH, {"late_answer": "400 ms"}, {"resume_ms": 400.0}),
        (COUGH, {"no_answer": 0.5}, {"resumed": -1.0, "resume_ms": NEVER}),
        (HESITANT, {"no_answer": 1.0}, {"answered": -1}),
        (HESITANT, {"premature_cutoff": 1.0}, {"false_cutoffs": 3}),
        (HESITANT, {"cut_in": "600 ms"}, {"cut_in": 1.0, "overlap_ms": 1_439.0}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_fault_moves_its_own_metric_and_no_other_but_those_that_contain_it(
    scene, name, fault, moved
) -> None:
    """The error of truncation is the one metric that no service can move: it is the client's own."""
    sound, faulty = scene(name), scene(name, **fault)
    found = {
        metric: NEVER if value is None else value if sound[metric] is None else value - sound[metric]
        for metric, value in faulty.items()
        if value != sound[metric]
    }
    assert found == moved
