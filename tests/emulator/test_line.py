"""A session over WebRTC on virtual time: it plays by itself, and knows what was heard."""

from __future__ import annotations

import pytest

from rtbench.core.audio import PCMU
from rtbench.core.client_events import (
    ItemRetrieve,
    OutputAudioClear,
    ResponseCancel,
    ResponseCreate,
)
from rtbench.core.response_events import AudioDelta, ResponseDone
from rtbench.core.server_events import (
    ItemAdded,
    ItemTruncated,
    OutputAudioCleared,
    OutputAudioStarted,
    OutputAudioStopped,
    SpeechStarted,
)
from rtbench.emulator.playout import FallSilent, SpeakPackets

MS = 1_000_000


@pytest.fixture
def webrtc(call):
    """A call that has been asked one question, and answers 300 ms after its end; the reply lasts 800 ms."""

    def open_call(**settings):
        caller = call(webrtc=True, **{"response_delay": "300 ms", "pace": "4x", **settings})
        caller.speak(400, PCMU)
        caller.pause(520, PCMU)
        return caller

    return open_call


def first_packet_ms(caller) -> float:
    return next(order.at_ns / MS for order in caller.orders if isinstance(order, SpeakPackets))


def test_a_turn_is_answered_in_packets_and_without_deltas(webrtc):
    caller = webrtc()
    caller.wait(2_000)
    assert not caller.of(AudioDelta)
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
        "output_audio_buffer.started",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]
    [started], [stopped] = caller.instants_ms(OutputAudioStarted), caller.instants_ms(OutputAudioStopped)
    assert (started, stopped - started) == (first_packet_ms(caller), 800)
    assert caller.instants_ms(ResponseDone)[0] == started + 7 * 25
    packets = [packet for order in caller.orders for packet in order.packets]
    assert len(packets) == 40


def test_an_interruption_stops_the_packets_and_truncates_what_was_not_heard(webrtc):
    caller = webrtc()
    caller.wait(300 + 200)
    started = first_packet_ms(caller)
    caller.take()
    caller.speak(300, PCMU)
    assert caller.types()[:3] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    [interrupted] = caller.instants_ms(OutputAudioCleared)
    assert interrupted == caller.instants_ms(SpeechStarted)[1]
    assert caller.orders[-1] == FallSilent(round(interrupted * MS))
    heard_ms = -(-(interrupted - started) // 20) * 20
    assert 0 < heard_ms < 800
    [truncated] = caller.of(ItemTruncated)
    assert truncated.audio_end_ms == heard_ms
    [retrieved] = caller.send(ItemRetrieve(item_id=truncated.item_id))
    assert retrieved.item["content"] == [{"type": "output_audio"}]
    assert not caller.of(OutputAudioStopped)
    row = caller.hang_up()[0]
    assert (row.transport, row.played_ms, row.stale_audio_ms) == ("webrtc", heard_ms, 0)
    assert row.interruption_onset_sample is not None


def test_an_answer_that_is_still_generated_is_cancelled_after_it_fell_silent(webrtc):
    caller = webrtc(pace="1x")
    caller.wait(300 + 200)
    caller.take()
    caller.speak(300, PCMU)
    types = caller.types()
    interrupted = types.index("input_audio_buffer.speech_started")
    assert types[interrupted : interrupted + 8] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
    ]
    [done] = caller.of(ResponseDone)
    assert done.response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    caller.pause(200, PCMU)
    assert isinstance(caller.orders[-1], FallSilent)


def test_a_late_cancellation_lets_it_speak_on(webrtc):
    caller = webrtc(faults={"late_cancel": "120 ms"})
    caller.wait(300 + 200)
    caller.speak(300, PCMU)
    onset, [cleared] = caller.instants_ms(SpeechStarted)[1], caller.instants_ms(OutputAudioCleared)
    assert cleared - onset == 120


def test_stale_packets_follow_the_word_that_it_was_cleared(webrtc):
    caller = webrtc(faults={"stale_audio": "100 ms"})
    caller.wait(300 + 200)
    caller.speak(300, PCMU)
    [cleared] = caller.instants_ms(OutputAudioCleared)
    assert caller.orders[-1] == FallSilent(round((cleared + 100) * MS))
    assert caller.hang_up()[0].stale_audio_ms == 100


def test_speech_into_an_answer_that_may_not_be_interrupted_leaves_it_alone(call):
    caller = call(webrtc=True, response_delay="0 ms")
    caller.detect(interrupt_response=False)
    caller.send(ResponseCreate())
    caller.speak(500, PCMU)
    caller.wait(1_000)
    assert caller.of(SpeechStarted) and caller.of(OutputAudioStopped) and not caller.of(OutputAudioCleared)


def test_a_client_cancels_and_clears_in_two_steps(call):
    caller = call(webrtc=True, response_delay="0 ms", pace="2x")
    caller.send(ResponseCreate())
    caller.wait(105)
    caller.send(ResponseCancel())
    assert not any(isinstance(order, FallSilent) for order in caller.orders)
    caller.take()
    caller.wait(35)
    caller.send(OutputAudioClear())
    assert caller.types() == ["output_audio_buffer.cleared", "conversation.item.truncated"]
    [truncated] = caller.of(ItemTruncated)
    assert truncated.audio_end_ms == 140
    assert caller.errors() == []


def test_clearing_alone_ends_the_answer_too(call):
    caller = call(webrtc=True, response_delay="0 ms", pace="1x")
    caller.send(ResponseCreate())
    caller.wait(250)
    caller.send(OutputAudioClear())
    [done] = caller.of(ResponseDone)
    assert done.response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    caller.wait(1_000)
    assert isinstance(caller.orders[-1], FallSilent)
    caller.send(OutputAudioClear())
    assert caller.errors() == []


def test_a_cancelled_answer_is_heard_to_the_end_of_what_was_generated(call):
    caller = call(webrtc=True, response_delay="0 ms", pace="2x")
    caller.send(ResponseCreate())
    caller.wait(105)
    caller.send(ResponseCancel())
    caller.wait(1_000)
    # Three chunks of 100 ms were generated by then.
    assert caller.instants_ms(OutputAudioStopped)[0] - caller.instants_ms(OutputAudioStarted)[0] == 300


def test_a_text_answer_and_a_session_s_formats_have_nothing_to_do_with_the_line(call):
    caller = call(webrtc=True, response_delay="0 ms")
    caller.update(audio={"input": {"format": {"type": "audio/pcma"}}})
    caller.send(ResponseCreate(response={"output_modalities": ["text"]}))
    caller.wait(1_000)
    assert not caller.of(OutputAudioStarted) and not caller.orders
    caller.speak(400, PCMU)
    caller.pause(600, PCMU)
    assert caller.of(SpeechStarted)
    assert caller.of(ItemAdded)


def test_truth_is_stamped_by_the_packets_that_leave(call):
    caller = call(webrtc=True, response_delay="0 ms")
    caller.send(ResponseCreate())
    [first] = [order for order in caller.orders if isinstance(order, SpeakPackets)]
    caller.machine.sent(first, 5_000)
    caller.machine.sent(first, 9_000)
    [row] = caller.hang_up()
    assert (row.first_audio_sent_ns, row.last_audio_sent_ns) == (5_000, 9_000)
