from __future__ import annotations

import pytest

from rtbench.core import pcm
from rtbench.core.audibility import AudibilityDetector
from rtbench.core.audio import PCM16, PCMA, PCMU
from rtbench.emulator.voice import Voice


@pytest.mark.parametrize("fmt", [PCM16, PCMU, PCMA], ids=lambda fmt: fmt.name)
def test_chunks_are_the_reply_whole(reply, fmt):
    chunks = Voice([reply], 100).chunks(reply, fmt)
    assert b"".join(chunk.audio.data for chunk in chunks) == pcm.encode(reply.samples[fmt.rate_hz], fmt)
    assert "".join(chunk.text for chunk in chunks) == "one two three four"
    assert {chunk.duration_ns for chunk in chunks} == {100_000_000}


def test_a_last_chunk_is_as_long_as_it_is(reply):
    chunks = Voice([reply], 300).chunks(reply, PCM16)
    assert [chunk.duration_ns // 1_000_000 for chunk in chunks] == [300, 300, 200]


def test_words_come_with_the_chunk_in_which_they_begin(make_recording):
    late = make_recording("late", "ab cd", 150, 400)
    assert [chunk.text for chunk in Voice([late], 100).chunks(late, PCM16)] == ["", "ab", "", " cd", "", ""]


def test_chunks_are_made_once_and_shared(reply):
    voice = Voice([reply], 100)
    voice.prepare()
    assert voice.chunks(reply, PCMU) is voice.chunks(reply, PCMU)
    assert voice.silence(PCMU, 250)[0].audio is voice.silence(PCMU, 100)[0].audio


def test_silence_is_exact_to_the_sample(reply):
    chunks = Voice([reply], 100).silence(PCMU, 233)
    assert [len(chunk.audio.data) for chunk in chunks] == [800, 800, 264]
    assert Voice([reply], 100).silence(PCMU, 0) == []


@pytest.mark.parametrize("lead_ms", [0, 1, 5, 9, 15, 40, 137, 400])
@pytest.mark.parametrize("abrupt", [True, False])
def test_the_audible_offset_is_what_a_listener_would_find(make_recording, lead_ms, abrupt):
    reply = make_recording("r", "x", 0 if abrupt else 33, 300, 50)
    voice = Voice([reply], 100)
    sent = [*voice.silence(PCM16, lead_ms), *voice.chunks(reply, PCM16)]
    listener = AudibilityDetector(PCM16.rate_hz)
    listener.feed(pcm.decode(b"".join(chunk.audio.data for chunk in sent), PCM16))
    assert voice.audible_offset_ms(reply, PCM16, lead_ms) == listener.first_audible_sample / 24


def test_what_is_never_audible_has_no_offset(make_recording):
    reply = make_recording("r", "", 300)
    assert Voice([reply], 100).audible_offset_ms(reply, PCM16, 50) is None
