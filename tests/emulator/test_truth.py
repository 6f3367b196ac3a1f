from __future__ import annotations

from rtbench.core.audio import Audio
from rtbench.core.client_events import ResponseCreate
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import SpeechStopped
from rtbench.emulator.truth import TruthLog, TruthRow

MS = 1_000_000


def row(response_id: str = "r", item_id: str = "i") -> TruthRow:
    return TruthRow(
        "s", response_id, item_id, "server_vad", 24_000, 90, 100, 5, 200.0, 0, 1.0, "reply", False
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


def test_events_of_other_responses_are_not_mixed_in():
    log = TruthLog()
    log.open(row())
    log.stamp(delta("unknown"), 12)
    log.stamp(ResponseDone(response={"id": "unknown"}), 12)
    log.abandon()
    [done] = log.take()
    assert (done.first_audio_sent_ns, done.status) == (None, "in_progress")


def test_what_is_logged_is_what_was_applied(call):
    caller = call(response_delay="321 ms", leading_silence="150 ms")
    caller.pause(1_000)
    caller.speak(600)
    caller.pause(3_000)

    [truth] = caller.machine.truth_rows()
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
    [truth] = caller.machine.truth_rows()
    assert (truth.trigger, truth.item_id, truth.endpoint_sample) == ("client", "", 12_000)
    assert truth.endpoint_received_ns == asked_ns
