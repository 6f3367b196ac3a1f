from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from rtbench.core.audio import PCM16
from rtbench.core.client_events import InputAudioCommit, ItemTruncate, ResponseCancel, ResponseCreate
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import (
    InputAudioCommitted,
    InputTimeoutTriggered,
    ItemTruncated,
    SpeechStarted,
    SpeechStopped,
)
from rtbench.emulator.delays import Constant, Normal
from rtbench.emulator.faults import FAULTS, Fault, Faults, parse_faults

MS = 1_000_000
LASTING = {
    "late_cancel": "delay",
    "stale_audio": "audio",
    "detection_delay": "delay",
    "cut_in": "after",
    "late_answer": "delay",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_written_as_its_time_or_as_its_rate(name):
    if name in LASTING:
        assert parse_faults({name: "300 ms"}) == {name: Fault(1.0, Constant(300))}
        assert parse_faults({name: {"rate": 0.5, LASTING[name]: "300 ms"}}) == {
            name: Fault(0.5, Constant(300))
        }
        normal = {"normal": {"mean": "300 ms", "sd": "9 ms"}}
        assert parse_faults({name: normal}) == {name: Fault(1.0, Normal(300, 9))}
    else:
        assert parse_faults({name: 0.5}) == {name: Fault(0.5)}


@pytest.mark.parametrize(
    ("written", "sentence", "at"),
    [
        ({"late_cancl": "1 ms"}, "unknown fault 'late_cancl'; did you mean 'late_cancel'", ("late_cancl",)),
        ({"late_cancel": 300}, "needs its unit", ("late_cancel",)),
        ({"late_cancel": {"rate": 0.5}}, "must have delay", ("late_cancel",)),
        ({"late_cancel": {"delay": "1 ms", "by": 1}}, "must have delay", ("late_cancel",)),
        ({"late_cancel": {"rate": 2, "delay": "1 ms"}}, "a rate from 0 to 1", ("late_cancel", "rate")),
        ({"late_cancel": {"gauss": {}}}, "unknown delay model 'gauss'", ("late_cancel", "gauss")),
        ({"no_answer": "often"}, "a rate from 0 to 1, not 'often'", ("no_answer",)),
        ({"no_answer": True}, "a rate from 0 to 1", ("no_answer",)),
        ({"no_answer": -0.1}, "a rate from 0 to 1", ("no_answer",)),
        (["no_answer"], "must be a mapping of faults", ()),
    ],
)
def test_what_cannot_be_is_refused_at_its_key(written, sentence, at):
    with pytest.raises(PydanticCustomError, match=sentence) as caught:
        parse_faults(written)
    assert caught.value.context["at"] == at


def test_faults_that_were_read_are_read_again():
    faults = parse_faults({"no_answer": 0.5, "stale_audio": "1 s"})
    assert parse_faults(faults) == faults


def test_a_fault_strikes_at_its_rate_and_one_without_a_rate_always():
    faults = Faults(parse_faults({"no_answer": 0.3, "late_cancel": "80 ms"}), "1/1")
    strikes = sum(faults.strikes("no_answer") for _ in range(4_000))
    assert strikes / 4_000 == pytest.approx(0.3, abs=0.03)
    assert {faults.strike_ms("late_cancel") for _ in range(50)} == {80}
    assert faults.strike_ns("late_cancel") == 80 * MS


def test_a_fault_that_nobody_asked_for_never_strikes():
    faults = Faults()
    assert "cut_in" not in faults
    assert (faults.strike_ms("cut_in"), faults.strike_ns("cut_in")) == (None, 0)


def test_draws_are_seeded_and_apart_from_those_of_other_faults():
    def draws(seed: str, **written: object) -> list[bool]:
        faults = Faults(parse_faults(written), seed)
        struck = []
        for _ in range(40):
            struck.append(faults.strikes("no_answer"))
            faults.strike_ms("late_cancel")
        return struck

    assert draws("1/1", no_answer=0.5) == draws("1/1", no_answer=0.5, late_cancel="5 ms")
    assert draws("1/1", no_answer=0.5) != draws("1/2", no_answer=0.5)


# Each in a session. The answer begins at 2100 ms, has a chunk of 100 ms every 200 ms until 3500, and 800 ms of
# audio; the user speaks into it from 2300 ms on, which is decided 80 ms later.


@pytest.fixture
def interrupted(call):
    """A session of these faults, in which the user has spoken into the answer for 400 ms and paused for 1.2 s."""

    def interrupt(speech_ms: int = 400, **faults: object):
        caller = call(response_delay="0 ms", pace="0.5x", faults=faults)
        caller.speak(600)
        caller.pause(700)
        caller.speak(speech_ms)
        caller.pause(1_200)
        return caller

    return interrupt


def first_answer(caller) -> tuple[list[float], float, str]:
    """When the first response's audio left, and its end; how it ended."""
    done = caller.of(ResponseDone)[0]
    deltas = [event for event in caller.of(AudioDelta) if event.response_id == done.response["id"]]
    return [caller.instant_ms(delta) for delta in deltas], caller.instant_ms(done), done.response["status"]


def test_without_faults_the_answer_stops_where_speech_is_decided(interrupted):
    caller = interrupted()
    assert caller.instants_ms(SpeechStarted)[1] == 2_380
    assert first_answer(caller) == ([2_100, 2_300], 2_380, "cancelled")
    first, second = caller.hang_up()
    assert first.interruption_onset_sample == 1_300 * 24
    assert first.interruption_decided_sample == 1_380 * 24
    assert first.interruption_received_ns == 2_380 * MS
    assert first.interruption_speech_started_sent_ns == 2_380 * MS
    assert (first.stale_audio_ms, first.audio_ms) == (0, 200)
    assert (second.interruption_received_ns, second.trigger) == (None, "server_vad")


def test_a_late_cancel_lets_the_answer_go_on(interrupted):
    caller = interrupted(late_cancel="300 ms")
    assert caller.instants_ms(SpeechStarted)[1] == 2_380
    assert first_answer(caller) == ([2_100, 2_300, 2_500], 2_680, "cancelled")
    first, second = caller.hang_up()
    assert first.response_done_sent_ns == 2_680 * MS
    assert first.interruption_speech_started_sent_ns == 2_380 * MS
    # The next turn is answered when it always was: 500 ms after its speech.
    assert second.endpoint_received_ns == (2_700 + 500) * MS


def test_a_cancel_later_than_the_answer_is_none(interrupted):
    caller = interrupted(late_cancel="2 s")
    assert first_answer(caller)[1:] == (3_500, "completed")
    first, second = caller.hang_up()
    assert (first.interruption_received_ns, first.stale_audio_ms) == (2_380 * MS, None)
    # The turn in between waited for it.
    assert second.endpoint_received_ns == 3_200 * MS
    assert second.response_created_sent_ns == 3_500 * MS


def test_a_client_need_not_wait_for_a_late_cancel(call):
    caller = call(response_delay="0 ms", pace="0.5x", faults={"late_cancel": "1 s"})
    caller.speak(600)
    caller.pause(700)
    caller.speak(100)
    caller.send(ResponseCancel())
    assert caller.of(ResponseDone)[0].response["status_details"]["reason"] == "client_cancelled"
    assert caller.hang_up()[0].cancel_received_ns == 2_400 * MS


def test_stale_audio_comes_after_the_cancellation(interrupted):
    caller = interrupted(stale_audio="150 ms")
    assert first_answer(caller) == ([2_100, 2_300, 2_500, 2_700], 2_380, "cancelled")
    sizes = [event.delta.size_bytes for event in caller.of(AudioDelta)][:4]
    assert sizes == [PCM16.size_bytes(24 * ms) for ms in (100, 100, 100, 50)]
    first = caller.hang_up()[0]
    assert (first.audio_ms, first.stale_audio_ms) == (200, 150)
    assert (first.response_done_sent_ns, first.last_audio_sent_ns) == (2_380 * MS, 2_700 * MS)


def test_stale_audio_may_run_into_the_next_answer(interrupted):
    caller = interrupted(stale_audio="600 ms")
    rows = caller.hang_up()
    assert [row.stale_audio_ms for row in rows] == [600, None]
    assert rows[0].last_audio_sent_ns == 3_500 * MS
    assert rows[1].response_created_sent_ns == 3_200 * MS


def test_a_detection_delay_puts_off_what_follows_from_speech_and_nothing_else(interrupted):
    caller = interrupted(detection_delay="250 ms")
    assert caller.instants_ms(SpeechStarted)[1] == 2_630
    assert first_answer(caller) == ([2_100, 2_300, 2_500], 2_630, "cancelled")
    assert caller.of(SpeechStarted)[1].audio_start_ms == 1_100
    assert caller.instants_ms(SpeechStopped)[1] == 3_200
    first, second = caller.hang_up()
    assert first.interruption_received_ns == 2_380 * MS
    assert first.interruption_speech_started_sent_ns == 2_630 * MS
    assert (second.endpoint_sample, second.endpoint_received_ns) == (2_200 * 24, 3_200 * MS)


def test_speech_that_is_detected_after_its_end_is_committed_whole(call):
    caller = call(response_delay="0 ms", faults={"detection_delay": "3 s"})
    caller.detect(silence_duration_ms=200)
    caller.pause(1_000)
    caller.speak(400)
    caller.pause(4_000)
    assert caller.types()[1:4] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]
    assert caller.instants_ms(SpeechStarted) == caller.instants_ms(SpeechStopped) == [2_080 + 3_000]
    assert caller.of(ResponseDone)[0].response["usage"]["input_token_details"]["audio_tokens"] == 9


def test_a_missed_interruption_leaves_the_answer_and_no_trace(interrupted):
    caller = interrupted(missed_interruption=1)
    assert len(caller.of(SpeechStarted)) == len(caller.of(SpeechStopped)) == 1
    assert first_answer(caller)[1:] == (3_500, "completed")
    [row] = caller.hang_up()
    assert row.interruption_received_ns is None


def test_a_missed_interruption_that_outlasts_the_answer_is_a_turn_after_it(interrupted):
    caller = interrupted(speech_ms=1_500, missed_interruption=1)
    assert first_answer(caller)[1:] == (3_500, "completed")
    assert caller.instants_ms(SpeechStarted)[1] == 3_500
    assert caller.of(SpeechStarted)[1].audio_start_ms == 1_100
    assert caller.instants_ms(SpeechStopped)[1] == 2_300 + 1_500 + 500
    assert len(caller.of(ResponseCreated)) == 2


def test_an_interruption_is_missed_while_a_burst_is_still_played(call):
    caller = call(response_delay="0 ms", pace="burst", faults={"missed_interruption": 1})
    caller.speak(600)
    caller.pause(520)
    assert caller.of(ResponseDone)
    caller.speak(160)
    caller.pause(1_000)
    assert len(caller.of(SpeechStarted)) == 1


def test_a_missed_interruption_leaves_the_idle_timer_alone(call):
    caller = call(response_delay="0 ms", pace="burst", faults={"missed_interruption": 1})
    caller.detect(idle_timeout_ms=5_000)
    caller.speak(600)
    caller.pause(520)
    caller.speak(160)
    caller.pause(7_000)
    assert caller.instants_ms(InputTimeoutTriggered) == [2_100 + 800 + 5_000]


def test_a_premature_cutoff_ends_the_turn_in_a_hold(call, make_recording):
    address = make_recording("address", "my address is here", 0, 500, 300, 400, 100)
    caller = call(known=[address], response_delay="0 ms", faults={"premature_cutoff": 1})
    caller.play(address.samples[24_000])
    caller.pause(1_000)
    assert [event.audio_end_ms for event in caller.of(SpeechStopped)] == [600, 1_200 + 500]
    caller = call(known=[address], response_delay="0 ms")
    caller.play(address.samples[24_000])
    caller.pause(1_000)
    assert [event.audio_end_ms for event in caller.of(SpeechStopped)] == [1_200 + 500]


def test_a_rejected_truncation_is_an_error_and_leaves_the_item(call):
    caller = call(response_delay="0 ms", pace="burst", faults={"truncation_rejected": 1})
    caller.send(ResponseCreate())
    item = caller.of(ResponseDone)[0].response["output"][0]
    caller.send(ItemTruncate(item_id=item["id"], content_index=0, audio_end_ms=300, event_id="mine"))
    assert caller.errors() == [("invalid_value", "audio_end_ms")]
    assert not caller.of(ItemTruncated)
    [row] = caller.hang_up()
    assert (row.truncate_rejected, row.truncate_audio_end_ms) == (True, 300)
    assert row.truncate_received_ns == 1_000 * MS


def test_the_agent_cuts_in_and_does_not_answer_twice(call):
    caller = call(response_delay="100 ms", faults={"cut_in": "500 ms"})
    caller.speak(1_000)
    caller.pause(2_000)
    assert caller.instants_ms(ResponseCreated) == [1_500]
    assert caller.instants_ms(AudioDelta)[0] == 1_600
    assert caller.instants_ms(InputAudioCommitted) == [2_500]
    [row] = caller.hang_up()
    assert (row.trigger, row.endpoint_sample, row.status) == ("cut_in", 480 * 24, "completed")


def test_the_agent_does_not_cut_into_a_pause_nor_after_the_end(call):
    caller = call(response_delay="0 ms", faults={"cut_in": "500 ms"})
    caller.speak(300)
    caller.pause(400)
    caller.speak(300)
    caller.pause(1_000)
    assert caller.instants_ms(ResponseCreated) == [2_500]


def test_a_turn_that_goes_on_after_a_cut_in_and_a_long_pause_is_answered(call):
    caller = call(response_delay="0 ms", pace="0.5x", faults={"cut_in": {"rate": 1, "after": "700 ms"}})
    caller.detect(silence_duration_ms=200)
    caller.speak(1_000)
    caller.pause(300)
    caller.speak(300)
    caller.pause(1_000)
    statuses = [done.response["status"] for done in caller.of(ResponseDone)]
    assert statuses[0] == "cancelled"
    assert caller.instants_ms(ResponseCreated) == [1_700, 2_800]


def test_where_clients_ask_for_responses_nobody_cuts_in(call):
    caller = call(response_delay="0 ms", faults={"cut_in": "300 ms"})
    caller.detect(create_response=False)
    caller.speak(1_000)
    assert not caller.of(ResponseCreated)


def test_a_turn_without_an_answer_is_committed_all_the_same(call):
    caller = call(response_delay="0 ms", faults={"no_answer": 1})
    caller.speak(600)
    caller.pause(3_000)
    assert caller.of(InputAudioCommitted) and not caller.of(ResponseCreated)
    caller.by_hand()
    caller.speak(600)
    caller.send(InputAudioCommit())
    caller.send(ResponseCreate())
    caller.wait(5_000)
    assert not caller.of(ResponseCreated) and caller.errors() == []
    assert caller.hang_up() == []


def test_a_late_answer_is_announced_in_time(call):
    caller = call(response_delay="200 ms", faults={"late_answer": "1 s"})
    caller.speak(600)
    caller.pause(3_000)
    assert caller.instants_ms(ResponseCreated) == [2_100]
    assert caller.instants_ms(AudioDelta)[0] == 2_100 + 1_200
    assert caller.hang_up()[0].response_delay_drawn_ms == 1_200


@pytest.mark.parametrize(("threshold", "stopped"), [(0.5, False), (0.15, True)])
def test_a_low_threshold_takes_a_soft_click_for_an_interruption(call, make_tone, threshold, stopped):
    caller = call(response_delay="0 ms", pace="0.5x", min_speech="10 ms")
    caller.detect(threshold=threshold)
    caller.speak(600)
    caller.pause(700)
    caller.play((make_tone(40) * 0.03).astype("int16"))
    caller.pause(100)
    assert bool(caller.of(ResponseDone)) is stopped


# What is written down of them.


def noted(caller) -> list[tuple[str, float, bool, str]]:
    """Kind, instant in ms, whether an answer is named, setting; all rows name the session."""
    rows = caller.machine.fault_rows()
    assert {row.session_id for row in rows} <= {caller.machine.session_id}
    assert caller.machine.fault_rows() == [], "a row is handed out once"
    return [(row.kind, row.at_ns / MS, bool(row.response_id), row.setting) for row in rows]


@pytest.mark.parametrize(
    ("faults", "row"),
    [
        ({"late_cancel": "300 ms"}, ("late_cancel", 2_380, True, "300 ms")),
        ({"stale_audio": "150 ms"}, ("stale_audio", 2_500, True, "")),
        ({"detection_delay": "250 ms"}, ("detection_delay", 2_380, True, "250 ms")),
        ({"missed_interruption": 1}, ("missed_interruption", 2_380, True, "")),
    ],
)
def test_what_goes_wrong_when_the_user_speaks_into_an_answer_is_noted(interrupted, faults, row):
    assert noted(interrupted(**faults)) == [row]


def test_what_would_change_nothing_is_not_noted(interrupted, call):
    assert noted(interrupted()) == []
    assert noted(interrupted(late_cancel="2 s")) == [], "the answer was over before"
    silent = call(faults={"detection_delay": "250 ms", "missed_interruption": 1, "late_cancel": "1 s"})
    silent.speak(600)
    assert noted(silent) == [], "there was no answer to speak into"


def test_what_becomes_of_a_turn_s_answer_is_noted(call):
    caller = call(response_delay="0 ms", faults={"no_answer": 1})
    caller.speak(600)
    caller.pause(1_000)
    assert noted(caller) == [("no_answer", 2_100, False, "")]
    caller.send(ResponseCreate())
    assert [kind for kind, *_ in noted(caller)] == ["no_answer"]
    caller = call(response_delay="200 ms", faults={"late_answer": "1 s"})
    caller.speak(600)
    caller.pause(3_000)
    assert noted(caller) == [("late_answer", 2_100, True, "1000 ms")]
    caller = call(response_delay="100 ms", faults={"cut_in": "500 ms"})
    caller.speak(1_000)
    assert noted(caller) == [("cut_in", 1_500, True, "")]


def test_a_cutoff_and_a_truncation_that_is_refused_are_noted(call, make_recording):
    address = make_recording("address", "my address is here", 0, 500, 300, 400, 100)
    caller = call(known=[address], response_delay="0 ms", faults={"premature_cutoff": 1})
    caller.play(address.samples[24_000])
    caller.pause(1_000)
    assert noted(caller) == [("premature_cutoff", 1_600, False, "")]
    caller = call(response_delay="0 ms", pace="burst", faults={"truncation_rejected": 1})
    caller.send(ResponseCreate())
    item = caller.of(ResponseDone)[0].response["output"][0]
    caller.send(ItemTruncate(item_id=item["id"], content_index=0, audio_end_ms=300))
    assert noted(caller) == [("truncation_rejected", 1_000, True, "")]


def test_the_end_of_a_session_and_the_want_of_a_slot_are_noted(call):
    caller = call(session_limit="2 min")
    caller.pause(120_100)
    assert [(kind, setting) for kind, _, _, setting in noted(caller)] == [("expiry", "120 s")]
    caller = call(capacity={"slots": 1, "hold": "10 s"}, response_delay="0 ms", pace="burst")
    caller.send(ResponseCreate())
    caller.send(ResponseCreate())
    assert noted(caller) == [("no_slot", 1_000, True, "rate_limit_exceeded")]
