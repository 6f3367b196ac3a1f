from __future__ import annotations

import pytest

from rtbench.core.audio import PCMU, Audio
from rtbench.core.client_events import (
    InputAudioAppend,
    InputAudioClear,
    InputAudioCommit,
    ItemCreate,
    ResponseCancel,
    ResponseCreate,
)
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import (
    InputAudioCommitted,
    InputTimeoutTriggered,
    ItemAdded,
    SpeechStarted,
    SpeechStopped,
)


def test_a_spoken_turn_has_the_documented_order_of_events(call):
    caller = call(response_delay="200 ms")

    caller.speak(600)
    caller.pause(2_000)

    assert caller.types() == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        *["response.output_audio_transcript.delta", "response.output_audio.delta"] * 3,
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]


def test_offsets_count_all_audio_of_the_session(call):
    caller = call()
    caller.pause(1_000)
    caller.speak(600)
    caller.pause(1_000)

    [started], [stopped] = caller.of(SpeechStarted), caller.of(SpeechStopped)
    assert started.audio_start_ms == 1_000 - 300
    assert stopped.audio_end_ms == 1_600 + 500
    assert started.item_id == stopped.item_id


def test_prefix_padding_and_silence_follow_the_session(call):
    caller = call()
    caller.detect(prefix_padding_ms=100, silence_duration_ms=200)
    caller.pause(1_000)
    caller.speak(600)
    caller.pause(600)

    assert caller.of(SpeechStarted)[0].audio_start_ms == 900
    assert caller.of(SpeechStopped)[0].audio_end_ms == 1_800


def test_offsets_of_g711_are_the_same(call):
    caller = call()
    caller.update(audio={"input": {"format": {"type": "audio/pcmu"}}})
    caller.pause(1_000, PCMU)
    caller.speak(600, PCMU)
    caller.pause(1_000, PCMU)

    assert caller.of(SpeechStarted)[0].audio_start_ms == 700
    assert caller.of(SpeechStopped)[0].audio_end_ms == 2_100


def test_a_higher_threshold_does_not_hear_what_is_quieter(call, make_tone):
    caller = call()
    caller.detect(threshold=1.0)
    caller.play((make_tone(600) * 0.3).astype("int16"))
    assert not caller.of(SpeechStarted)

    caller.play(make_tone(600))
    assert caller.of(SpeechStarted)


def test_without_create_response_the_turn_waits_for_the_client(call):
    caller = call(response_delay="100 ms")
    caller.detect(create_response=False)
    caller.speak(600)
    caller.pause(1_000)
    assert caller.of(InputAudioCommitted) and not caller.of(ResponseCreated)

    caller.send(ResponseCreate())
    caller.wait(3_000)
    [row] = caller.hang_up()
    assert row.trigger == "client"
    assert row.item_id == caller.of(SpeechStopped)[0].item_id


def test_speech_interrupts_the_answer_and_no_delta_follows(call):
    caller = call(response_delay="0 ms", pace="0.5x")
    caller.speak(600)
    caller.pause(1_200)
    caller.take()
    caller.speak(400)

    assert [type(event) for event in caller.take()][:1] == [SpeechStarted]
    [done] = caller.of(ResponseDone)
    assert done.response["status"] == "cancelled"
    assert done.response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done.response["output"][0]["status"] == "incomplete"
    last = caller.events.index(done)
    assert not [event for event in caller.events[last:] if type(event) is AudioDelta]


def test_an_answer_is_interrupted_before_its_first_audio(call):
    caller = call(response_delay="5 s")
    caller.speak(600)
    caller.pause(600)
    caller.speak(400)

    [done] = caller.of(ResponseDone)
    assert done.response["status_details"]["reason"] == "turn_detected"
    assert not caller.of(AudioDelta)


def test_without_interrupt_response_the_answer_goes_on_and_the_next_one_follows_it(call):
    caller = call(response_delay="0 ms", pace="0.2x")
    caller.detect(interrupt_response=False, silence_duration_ms=200)
    caller.speak(300)
    caller.pause(400)
    caller.speak(300)
    caller.pause(400)
    assert len(caller.of(InputAudioCommitted)) == 2
    assert len(caller.of(ResponseCreated)) == 1

    caller.wait(20_000)
    assert [done.response["status"] for done in caller.of(ResponseDone)] == ["completed"] * 2
    first, second = caller.hang_up()
    assert (first.item_id, second.item_id) == tuple(event.item_id for event in caller.of(InputAudioCommitted))


def test_out_of_band_responses_are_not_interrupted(call):
    caller = call(response_delay="3 s")
    caller.send(ResponseCreate(response={"conversation": "none"}))
    caller.speak(400)
    caller.wait(5_000)

    assert caller.of(ResponseDone)[0].response["status"] == "completed"


def test_a_manual_turn_is_committed_and_answered_when_asked_for(call):
    caller = call(response_delay="100 ms")
    caller.by_hand()
    caller.take()
    caller.speak(600)
    caller.pause(1_000)
    assert caller.types() == []

    caller.send(InputAudioCommit())
    assert caller.types() == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    caller.wait(5_000)
    assert not caller.of(ResponseCreated)
    caller.send(ResponseCreate())
    caller.wait(5_000)
    [row] = caller.hang_up()
    assert row.trigger == "manual"
    assert row.endpoint_sample == 1_600 * 24


def test_too_little_audio_is_not_committed(call):
    caller = call()
    caller.by_hand()
    caller.send(InputAudioCommit(event_id="e1"))
    caller.pause(80)
    caller.send(InputAudioCommit(event_id="e2"))
    caller.pause(20)
    caller.send(InputAudioCommit())

    assert caller.errors() == [("input_audio_buffer_commit_empty", None)] * 2
    assert len(caller.of(InputAudioCommitted)) == 1


def test_a_commit_in_the_middle_of_detected_speech_ends_that_turn(call):
    caller = call()
    caller.speak(400)
    caller.send(InputAudioCommit())
    caller.pause(1_000)

    assert caller.of(InputAudioCommitted)[0].item_id == caller.of(SpeechStarted)[0].item_id
    assert not caller.of(SpeechStopped)


def test_cleared_audio_is_not_committed(call):
    caller = call()
    caller.by_hand()
    caller.speak(400)
    caller.send(InputAudioClear())
    caller.send(InputAudioCommit())

    assert caller.types()[-2:] == ["input_audio_buffer.cleared", "error"]


def test_clearing_forgets_speech_that_is_under_way(call):
    caller = call()
    caller.speak(400)
    caller.send(InputAudioClear())
    caller.pause(1_000)

    assert caller.of(SpeechStarted) and not caller.of(SpeechStopped)


def test_each_turn_follows_the_one_before_it(call):
    caller = call(response_delay="0 ms", pace="burst")
    for _ in range(2):
        caller.speak(400)
        caller.pause(800)

    added = caller.of(ItemAdded)
    assert [event.previous_item_id for event in added] == [None, *(event.item["id"] for event in added[:-1])]
    assert caller.of(InputAudioCommitted)[1].previous_item_id == added[1].item["id"]


def test_the_idle_timeout_runs_from_the_end_of_playback(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.detect(idle_timeout_ms=5_000)
    caller.speak(400)
    caller.pause(1_000)
    done_ms = caller.instant_ms(caller.of(ResponseDone)[0])
    caller.pause(6_000)

    [timeout] = caller.of(InputTimeoutTriggered)
    assert caller.instant_ms(timeout) == done_ms + 800 + 5_000
    assert 4_980 <= timeout.audio_end_ms - timeout.audio_start_ms <= 5_020
    following = caller.events[caller.events.index(timeout) :]
    assert [type(event) for event in following[1:3]] == [InputAudioCommitted, ItemAdded]
    assert len(caller.of(ResponseCreated)) == 2
    caller.wait(0)
    assert caller.hang_up()[1].trigger == "idle_timeout"


def test_speech_stops_the_idle_timeout(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.detect(idle_timeout_ms=5_000, create_response=False)
    caller.send(ItemCreate(item={"type": "message", "role": "user", "content": []}))
    caller.send(ResponseCreate())
    caller.pause(3_000)
    caller.speak(400)
    caller.pause(20_000)

    assert not caller.of(InputTimeoutTriggered)


def test_a_cancelled_answer_starts_the_idle_timeout_too(call):
    caller = call(response_delay="10 s")
    caller.detect(idle_timeout_ms=5_000)
    caller.send(ResponseCreate())
    caller.send(ResponseCancel())
    caller.wait(4_999)
    assert not caller.of(InputTimeoutTriggered)
    caller.wait(1)
    assert caller.of(InputTimeoutTriggered)


def test_semantic_vad_waits_longer_for_unknown_words_where_it_is_less_eager(call):
    waits = {}
    for eagerness in ("low", "auto", "high"):
        caller = call()
        caller.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}})
        caller.speak(600)
        caller.pause(2_000)
        waits[eagerness] = caller.of(SpeechStopped)[0].audio_end_ms - 600
    assert waits == {"low": 1_600, "auto": 800, "high": 400}


def semantic(caller, eagerness: str) -> None:
    caller.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}})


@pytest.mark.parametrize(
    ("eagerness", "wait_ms"), [("low", 8_000), ("medium", 4_000), ("auto", 4_000), ("high", 2_000)]
)
def test_semantic_vad_waits_its_longest_for_a_user_who_breaks_off(call, make_recording, eagerness, wait_ms):
    address = make_recording("address", "my address is here", 0, 500, 300, 400, 100)
    caller = call(known=[address])
    semantic(caller, eagerness)
    caller.play(address.samples[24_000][: 24 * 500])
    caller.pause(wait_ms + 500)
    assert [event.audio_end_ms for event in caller.of(SpeechStopped)] == [500 + wait_ms]


@pytest.mark.parametrize("eagerness", ["low", "high"])
def test_semantic_vad_does_not_wait_once_all_is_said(call, make_recording, eagerness):
    address = make_recording("address", "my address is here", 0, 500, 900, 400, 100)
    caller = call(known=[address], response_delay="0 ms")
    semantic(caller, eagerness)
    caller.play(address.samples[24_000])
    caller.pause(1_000)
    assert [event.audio_end_ms for event in caller.of(SpeechStopped)] == [1_800 + 200]
    assert caller.hang_up()[0].trigger == "semantic_vad"


def test_a_semantic_vad_that_always_errs_cuts_off_holds_and_sits_out_ends(call, make_recording):
    address = make_recording("address", "my address is here", 0, 500, 900, 400, 100)
    caller = call(known=[address], response_delay="0 ms", semantic_error_rate=1.0)
    semantic(caller, "high")
    caller.play(address.samples[24_000])
    caller.pause(3_000)
    assert [event.audio_end_ms for event in caller.of(SpeechStopped)] == [500 + 200, 1_800 + 2_000]


def test_the_judgement_does_not_depend_on_how_audio_is_cut(call, make_recording):
    address = make_recording("address", "my address is here", 0, 500, 900, 400, 100)
    data = address.samples[24_000].tobytes() + bytes(48 * 1_000)
    for step_bytes in (960, 1_234, len(data)):
        caller = call(known=[address])
        semantic(caller, "high")
        for at in range(0, len(data), step_bytes):
            caller.send(InputAudioAppend(audio=Audio(data[at : at + step_bytes])))
        assert [event.audio_end_ms for event in caller.of(SpeechStopped)] == [2_000]


def test_speech_into_a_burst_is_an_interruption_as_long_as_it_is_played(call):
    caller = call(response_delay="0 ms", pace="burst")
    for pause_ms in (700, 1_400):
        caller.speak(600)
        caller.pause(pause_ms)
    caller.speak(400)
    caller.pause(600)
    first, second, third = caller.hang_up()
    # Each answer of 800 ms comes 500 ms after the speech: the first is spoken into, the second is over by then.
    assert first.status == second.status == "completed"
    assert (first.interruption_onset_sample, first.interruption_decided_sample) == (1_300 * 24, 1_380 * 24)
    assert first.interruption_speech_started_sent_ns == 2_380_000_000
    assert second.interruption_received_ns is None
    assert third.interruption_received_ns is None


def test_only_the_first_speech_into_an_answer_is_its_interruption(call):
    caller = call(response_delay="0 ms", pace="0.2x")
    caller.detect(interrupt_response=False, create_response=False, silence_duration_ms=200)
    caller.send(ResponseCreate())
    for _ in range(2):
        caller.speak(300)
        caller.pause(400)
    caller.wait(5_000)
    [row] = caller.hang_up()
    assert (row.interruption_onset_sample, row.status) == (0, "completed")
    assert row.interruption_speech_started_sent_ns == 1_080_000_000
