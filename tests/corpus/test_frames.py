"""Frames and messages: what they hold, and that they are made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMA, PCMU, Audio, AudioFormat
from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.corpus.folder import Corpus
from rtbench.corpus.frames import FrameCache
from rtbench.corpus.manifest import Role
from rtbench.corpus.writer import NewClip, write_corpus

RATE_HZ = 24_000
SPOKEN_SAMPLES = 2_500
ROOM_SAMPLES = 2_400


def tone(count: int, rate_hz: int, amplitude: float) -> Samples:
    return np.rint(amplitude * np.sin(2.0 * np.pi * 400.0 * np.arange(count) / rate_hz)).astype(np.int16)


def open_corpus(folder: Path, with_room_tone: bool = True) -> Corpus:
    clips = [NewClip("yes", Role.YES_NO, "rms", "Yes.", "CC0-1.0", tone(SPOKEN_SAMPLES, RATE_HZ, 8_000.0))]
    if with_room_tone:
        clips.append(NewClip("room", Role.SILENCE, "", "", "CC0-1.0", tone(ROOM_SAMPLES, RATE_HZ, 20.0)))
    write_corpus(folder, "small", "en", RATE_HZ, clips)
    return Corpus.open(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return open_corpus(tmp_path)


@pytest.fixture
def count_calls() -> Callable[[], tuple[Callable[[Audio], bytes], list[Audio]]]:
    def make() -> tuple[Callable[[Audio], bytes], list[Audio]]:
        calls: list[Audio] = []

        def encode(audio: Audio) -> bytes:
            calls.append(audio)
            return b"<" + audio.base64 + b">"

        return encode, calls

    return make


def joined(frames: tuple[Audio, ...]) -> bytes:
    return b"".join(frame.data for frame in frames)


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 100])
@pytest.mark.parametrize("fmt", [PCM16, PCMU, PCMA])
def test_all_frames_have_one_length_and_the_last_is_filled_with_silence(
    corpus: Corpus, fmt: AudioFormat, frame_ms: int
) -> None:
    frames = FrameCache(corpus).frames("yes", fmt, frame_ms)
    assert {fmt.duration_ns(frame.size_bytes) for frame in frames} == {frame_ms * 1_000_000}
    spoken = -(-SPOKEN_SAMPLES * fmt.rate_hz // RATE_HZ)
    filling = len(frames) * fmt.rate_hz * frame_ms // 1000 - spoken
    assert 0 <= filling < fmt.rate_hz * frame_ms // 1000
    tail = joined(frames)[fmt.size_bytes(spoken) :]
    assert tail == pcm.silence(fmt, filling)


def test_pcm16_frames_carry_the_clips_own_samples(corpus: Corpus) -> None:
    data = joined(FrameCache(corpus).frames("yes", PCM16, 20))
    np.testing.assert_array_equal(pcm.decode(data, PCM16)[:SPOKEN_SAMPLES], corpus.samples("yes"))


@pytest.mark.parametrize("fmt", [PCM16, PCMU, PCMA])
def test_a_gain_changes_the_level_by_so_many_decibels(corpus: Corpus, fmt: AudioFormat) -> None:
    cache = FrameCache(corpus)
    plain = pcm.decode(joined(cache.frames("yes", fmt, 20)), fmt)
    soft = pcm.decode(joined(cache.frames("yes", fmt, 20, gain_db=-12.0)), fmt)
    assert pcm.level_dbfs(soft) == pytest.approx(pcm.level_dbfs(plain) - 12.0, abs=0.1)


def test_a_gain_clips_what_does_not_fit(corpus: Corpus) -> None:
    loud = pcm.decode(joined(FrameCache(corpus).frames("yes", PCM16, 20, gain_db=20.0)), PCM16)
    expected = np.clip(np.rint(corpus.samples("yes") * 10.0), -32_768, 32_767)
    np.testing.assert_array_equal(loud[:SPOKEN_SAMPLES], expected)


def test_each_gain_has_frames_of_its_own(corpus: Corpus) -> None:
    cache = FrameCache(corpus)
    soft = cache.frames("yes", PCM16, 40, gain_db=-6.0)
    assert cache.frames("yes", PCM16, 40, gain_db=-6.0) is soft
    assert cache.frames("yes", PCM16, 40, gain_db=-7.0) != soft
    assert cache.frames("yes", PCM16, 40) != soft
    assert cache.frames("yes", PCM16, 40, gain_db=0.0) is cache.frames("yes", PCM16, 40)


@pytest.mark.parametrize("fmt", [PCMU, PCMA])
def test_g711_frames_carry_the_same_sound_at_8_khz(corpus: Corpus, fmt: AudioFormat) -> None:
    heard = pcm.decode(joined(FrameCache(corpus).frames("yes", fmt, 20)), fmt).astype(np.float64)
    wanted = tone(800, 8_000, 8_000.0).astype(np.float64)
    inner = slice(80, 720)
    error = heard[inner] - wanted[inner]
    assert 10.0 * np.log10(np.mean(wanted[inner] ** 2) / np.mean(error**2)) > 30.0


def test_frames_are_made_once_and_shared(corpus: Corpus) -> None:
    cache = FrameCache(corpus)
    assert cache.frames("yes", PCM16, 40) is cache.frames("yes", PCM16, 40)
    assert cache.frames("yes", PCM16, 20) is not cache.frames("yes", PCM16, 40)
    assert cache.silence(PCMU, 20) is cache.silence(PCMU, 20)


def test_silence_is_the_corpus_room_tone_in_whole_frames(corpus: Corpus) -> None:
    frames = FrameCache(corpus).silence(PCM16, 30)
    assert len(frames) == ROOM_SAMPLES * 1000 // RATE_HZ // 30
    np.testing.assert_array_equal(pcm.decode(joined(frames), PCM16), corpus.samples("room")[: 3 * 720])


@pytest.mark.parametrize("fmt", [PCM16, PCMU, PCMA])
def test_silence_is_digital_where_the_corpus_has_no_room_tone(tmp_path: Path, fmt: AudioFormat) -> None:
    frames = FrameCache(open_corpus(tmp_path, with_room_tone=False)).silence(fmt, 20)
    assert [frame.data for frame in frames] == [pcm.silence(fmt, fmt.rate_hz // 50)]


def test_each_message_is_encoded_once(
    corpus: Corpus, count_calls: Callable[[], tuple[Callable[[Audio], bytes], list[Audio]]]
) -> None:
    cache = FrameCache(corpus)
    encode, calls = count_calls()
    messages = cache.messages("yes", PCM16, 40, encode)
    assert messages == tuple(b"<" + frame.base64 + b">" for frame in cache.frames("yes", PCM16, 40))
    assert cache.messages("yes", PCM16, 40, encode) is messages
    assert len(calls) == len(messages)


def test_each_gain_has_messages_of_its_own(
    corpus: Corpus, count_calls: Callable[[], tuple[Callable[[Audio], bytes], list[Audio]]]
) -> None:
    cache = FrameCache(corpus)
    encode, calls = count_calls()
    plain = cache.messages("yes", PCM16, 40, encode)
    soft = cache.messages("yes", PCM16, 40, encode, gain_db=-6.0)
    assert tuple(calls[len(plain) :]) == cache.frames("yes", PCM16, 40, gain_db=-6.0)
    assert cache.messages("yes", PCM16, 40, encode, gain_db=-6.0) is soft


def test_another_dialect_gets_messages_of_its_own(
    corpus: Corpus, count_calls: Callable[[], tuple[Callable[[Audio], bytes], list[Audio]]]
) -> None:
    cache = FrameCache(corpus)
    one, _ = count_calls()
    other, other_calls = count_calls()
    assert cache.messages("yes", PCM16, 40, one) == cache.messages("yes", PCM16, 40, other)
    assert len(other_calls) == 3


def test_silence_messages_follow_the_silence_frames(
    corpus: Corpus, count_calls: Callable[[], tuple[Callable[[Audio], bytes], list[Audio]]]
) -> None:
    cache = FrameCache(corpus)
    encode, calls = count_calls()
    messages = cache.silence_messages(PCMU, 20, encode)
    assert cache.silence_messages(PCMU, 20, encode) is messages
    assert tuple(calls) == cache.silence(PCMU, 20)


def test_an_unknown_clip_is_a_usage_error(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="has no clip 'yess'; did you mean 'yes'"):
        FrameCache(corpus).frames("yess", PCM16, 40)
