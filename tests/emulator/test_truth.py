from __future__ import annotations

from rtbench.core.audio import Audio
from rtbench.core.client_events import ResponseCreate
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import SessionCreated, SpeechStarted, SpeechStopped
from rtbench.emulator.truth import Interruption, TruthLog, TruthRow

MS = 1_000_000


def row(response_id: str = "r", item_id: str = "i") -> TruthRow:
    return TruthRow(
        *("s", response_id, item_id, "server_vad", 24_000, 90, 100, 5, 200.0, 0, 1.0, "reply", False),
        answer_item_id=f"answer_{response_id}",
    )


def delta(response_id: str = "r") -> AudioDelta:
    return AudioDelta(response_id=response_id, item_id="a", output_index=0, content_index=0, delta=Audio(b""))


def test_a_row_has_the_instants_at_which_events_left():
    log = TruthLog()
    log.open(row())
    log.stamp(SpeechStopped(item_id="i", audio_end_ms=1), 10)
    log.stamp(ResponseCreated(response={"id": "r"}), 11)
    log.stamp(delta(), 12)
    log.stamp(delta(), 13)
    assert log.take() == []
    log.stamp(ResponseDone(response={"id": "r"}), 14)
    assert log.take() == []
    log.release("r")

    [done] = log.take()
    assert done.speech_stopped_sent_ns == 10
    assert done.response_created_sent_ns == 11
    assert (done.first_audio_sent_ns, done.last_audio_sent_ns) == (12, 13)
    assert done.response_done_sent_ns == 14
    assert log.take() == []


def test_a_response_that_comes_later_knows_when_its_turn_was_told():
    log = TruthLog()
    log.stamp(SpeechStopped(item_id="i", audio_end_ms=1), 10)
    log.open(row())
    log.open(row("other", "j"))
    log.abandon()
    assert [done.speech_stopped_sent_ns for done in log.take()] == [10, None]


def test_every_response_knows_when_its_session_began():
    log = TruthLog()
    log.stamp(SessionCreated(session={"id": "s"}), 7)
    log.open(row())
    log.open(row("other", "j"))
    log.abandon()
    assert [done.session_created_sent_ns for done in log.take()] == [7, 7]


def test_events_of_other_responses_are_not_mixed_in():
    log = TruthLog()
    log.open(row())
    log.stamp(delta("unknown"), 12)
    log.stamp(ResponseDone(response={"id": "unknown"}), 12)
    log.abandon()
    [done] = log.take()
    assert (done.first_audio_sent_ns, done.status) == (None, "in_progress")


def test_a_response_released_before_its_end_is_finished_with_it():
    log = TruthLog()
    log.open(row())
    log.release("r")
    log.release("unknown")
    assert log.take() == []
    log.stamp(ResponseDone(response={"id": "r"}), 14)
    assert len(log.take()) == 1


def test_the_first_interruption_counts_with_the_instant_at_which_it_was_told():
    log = TruthLog()
    log.open(row())
    log.open(row("other"))
    log.interrupted("r", Interruption("i2", 200, 210, 20))
    log.stamp(SpeechStarted(item_id="i2", audio_start_ms=1), 25)
    log.interrupted("r", Interruption("i3", 300, 310, 30))
    log.stamp(SpeechStarted(item_id="i3", audio_start_ms=1), 35)
    log.interrupted("unknown", Interruption("i4", 1, 2, 3))
    log.abandon()
    interrupted, other = log.take()
    assert (interrupted.interruption_onset_sample, interrupted.interruption_decided_sample) == (200, 210)
    assert interrupted.interruption_received_ns == 20
    assert interrupted.interruption_speech_started_sent_ns == 25
    assert other.interruption_received_ns is None


def test_a_cancel_and_a_truncation_are_of_the_response_that_they_name():
    log = TruthLog()
    log.open(row())
    log.open(row("other"))
    log.cancel_received("r", 40)
    log.cancel_received("unknown", 41)
    log.truncate_received("answer_r", 700, 42, rejected=True)
    log.truncate_received("answer_r", 600, 43, rejected=False)
    log.abandon()
    named, other = log.take()
    assert named.cancel_received_ns == 40
    assert (named.truncate_audio_end_ms, named.truncate_received_ns) == (600, 43)
    assert named.truncate_rejected is False
    assert (other.cancel_received_ns, other.truncate_rejected) == (None, None)


def test_what_is_logged_is_what_was_applied(call):
    caller = call(response_delay="321 ms", leading_silence="150 ms")
    caller.pause(1_000)
    caller.speak(600)
    caller.pause(3_000)

    [truth] = caller.hang_up()
    assert truth.session_id == caller.machine.session_id
    assert truth.trigger == "server_vad"
    assert truth.response_delay_drawn_ms == 321
    assert (truth.first_audio_sent_ns - truth.endpoint_received_ns) / MS == 321
    assert truth.vad_speech_end_sample == 1_600 * 24
    assert truth.endpoint_sample == 2_100 * 24
    assert truth.speech_stopped_sent_ns == truth.endpoint_received_ns
    assert truth.leading_silence_ms == 150
    # The reply's own 40 ms of silence come on top; an onset is dated up to 9 ms early.
    assert 150 + 31 <= truth.audible_offset_ms <= 150 + 40
    assert truth.audio_ms == 950
    assert truth.status == "completed"


def test_a_bare_response_has_its_request_for_an_endpoint(call):
    caller = call(response_delay="100 ms")
    caller.pause(500)
    asked_ns = caller.now
    caller.send(ResponseCreate())
    caller.wait(3_000)
    [truth] = caller.hang_up()
    assert (truth.trigger, truth.item_id, truth.endpoint_sample) == ("client", "", 12_000)
    assert truth.endpoint_received_ns == asked_ns
