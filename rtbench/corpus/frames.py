"""Encoded audio of clips, cut into frames: made once per clip, level, format and frame length, shared by all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from rtbench.core import pcm
from rtbench.core.audio import Audio, AudioFormat
from rtbench.corpus.audio_file import FULL_SCALE, resample, to_int16
from rtbench.corpus.folder import Corpus
from rtbench.corpus.manifest import Role

Frames = tuple[Audio, ...]
Encode = Callable[[Audio], bytes]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Sound = tuple[str, float]
"""A clip by its name, and the gain in dB with which it is played."""

_ROOM_TONE: _Sound = ("", 0.0)
"""Stands for `silence` in the cache; no clip has an empty name."""


class FrameCache:
    """Frames of a corpus's clips, and the messages that carry them.

    What was made is kept as long as the cache is; two calls with equal arguments return the same objects.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._frames: dict[tuple[_Sound, AudioFormat, int], Frames] = {}
        self._messages: dict[tuple[_Sound, AudioFormat, int, Encode], tuple[bytes, ...]] = {}

    def frames(self, clip_name: str, fmt: AudioFormat, frame_ms: int, *, gain_db: float = 0.0) -> Frames:
        """A clip in frames of `frame_ms`, the last one filled up with digital silence.

        Before it is coded it is made louder by `gain_db` and, for G.711, resampled; peaks are clipped.
        Raises UsageError as `Corpus.samples` does.
        """
        sound = (clip_name, gain_db)
        return _cached(self._frames, (sound, fmt, frame_ms), lambda: self._cut(sound, fmt, frame_ms))

    def silence(self, fmt: AudioFormat, frame_ms: int) -> Frames:
        """What a microphone sends when nobody speaks, to be repeated: room tone, digital silence where there is none.

        Room tone is the corpus's first clip with the role `silence`, cut to whole frames.
        """
        return _cached(self._frames, (_ROOM_TONE, fmt, frame_ms), lambda: self._loop(fmt, frame_ms))

    def messages(
        self, clip_name: str, fmt: AudioFormat, frame_ms: int, encode: Encode, *, gain_db: float = 0.0
    ) -> tuple[bytes, ...]:
        """`frames`, each as the message that `encode` (a dialect's `append_message`) makes of it."""
        frames = self.frames(clip_name, fmt, frame_ms, gain_db=gain_db)
        return self._messages_of((clip_name, gain_db), frames, fmt, frame_ms, encode)

    def silence_messages(self, fmt: AudioFormat, frame_ms: int, encode: Encode) -> tuple[bytes, ...]:
        """`silence`, each as a message."""
        return self._messages_of(_ROOM_TONE, self.silence(fmt, frame_ms), fmt, frame_ms, encode)

    def _messages_of(
        self, sound: _Sound, frames: Frames, fmt: AudioFormat, frame_ms: int, encode: Encode
    ) -> tuple[bytes, ...]:
        key = (sound, fmt, frame_ms, encode)
        return _cached(self._messages, key, lambda: tuple(encode(frame) for frame in frames))

    def _cut(self, sound: _Sound, fmt: AudioFormat, frame_ms: int) -> Frames:
        data = self._encoded(sound, fmt)
        size = _frame_samples(fmt, frame_ms)
        missing = -fmt.samples(len(data)) % size
        return _split(data + pcm.silence(fmt, missing), fmt.size_bytes(size))

    def _loop(self, fmt: AudioFormat, frame_ms: int) -> Frames:
        size = _frame_samples(fmt, frame_ms)
        names = self._corpus.names(Role.SILENCE)
        data = self._encoded((names[0], 0.0), fmt) if names else b""
        whole = fmt.samples(len(data)) // size
        if not whole:
            return (Audio(pcm.silence(fmt, size)),)
        return _split(data[: fmt.size_bytes(whole * size)], fmt.size_bytes(size))

    def _encoded(self, sound: _Sound, fmt: AudioFormat) -> bytes:
        clip_name, gain_db = sound
        samples = self._corpus.samples(clip_name)
        if gain_db or fmt.rate_hz != self._corpus.rate_hz:
            wide = samples.astype(np.float64) / FULL_SCALE * 10.0 ** (gain_db / 20.0)
            samples = to_int16(resample(wide, self._corpus.rate_hz, fmt.rate_hz))
        return pcm.encode(samples, fmt)


def _cached(cache: dict[_Key, _Value], key: _Key, make: Callable[[], _Value]) -> _Value:
    value = cache.get(key)
    if value is None:
        value = cache[key] = make()
    return value


def _frame_samples(fmt: AudioFormat, frame_ms: int) -> int:
    return fmt.rate_hz * frame_ms // 1000


def _split(data: bytes, size_bytes: int) -> Frames:
    return tuple(Audio(data[at : at + size_bytes]) for at in range(0, len(data), size_bytes))
