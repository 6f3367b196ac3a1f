from __future__ import annotations

import numpy as np
import pytest

from rtbench.core.client_events import InputAudioCommit, ItemRetrieve
from rtbench.core.server_events import (
    InputTranscriptionCompleted,
    InputTranscriptionDelta,
    InputTranscriptionFailed,
)


@pytest.fixture
def known(make_recording):
    return make_recording("known", "hello good people", 100, 400, 60, 300, 100)


@pytest.fixture
def caller(call, known):
    caller = call([known], transcription_delay="250 ms", response_delay="10 s")
    caller.update(audio={"input": {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": None}})
    return caller


def test_known_words_are_told_some_time_after_the_commit(caller, known):
    caller.play(known.samples[24_000])
    caller.send(InputAudioCommit())
    caller.wait(249)
    assert not caller.of(InputTranscriptionDelta)
    caller.wait(1)
    assert [event.delta for event in caller.of(InputTranscriptionDelta)] == ["hello", " good", " people"]
    [completed] = caller.of(InputTranscriptionCompleted)
    assert completed.transcript == "hello good people"
    assert completed.usage["input_tokens"] == 10
    [retrieved] = caller.send(ItemRetrieve(item_id=completed.item_id))
    assert retrieved.item["content"][0]["transcript"] == "hello good people"


def test_whisper_tells_all_words_at_once_and_bills_by_duration(caller, known):
    caller.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
    caller.play(known.samples[24_000])
    caller.send(InputAudioCommit())
    caller.wait(300)
    assert [event.delta for event in caller.of(InputTranscriptionDelta)] == ["hello good people"]
    assert caller.of(InputTranscriptionCompleted)[0].usage == {"type": "duration", "seconds": 0.96}


def test_unknown_speech_fails_as_documented(caller):
    caller.speak(500)
    caller.send(InputAudioCommit())
    caller.wait(300)
    [failed] = caller.of(InputTranscriptionFailed)
    assert failed.error["code"] == "audio_unintelligible"


def test_each_turn_is_transcribed_by_itself(caller, known):
    for samples in (known.samples[24_000], np.zeros(4_800, np.int16)):
        caller.play(samples)
        caller.send(InputAudioCommit())
    caller.wait(300)
    assert [type(event) for event in caller.take()][-1] is InputTranscriptionFailed
    assert len(caller.of(InputTranscriptionCompleted)) == 1


def test_without_transcription_nothing_is_told(call, known):
    caller = call([known])
    caller.by_hand()
    caller.play(known.samples[24_000])
    caller.send(InputAudioCommit())
    caller.wait(5_000)
    assert not caller.of(InputTranscriptionCompleted)
