"""Encoded audio of clips, cut into frames: made once per clip, format and frame length, shared by all sessions."""

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
_ROOM_TONE = ""
"""Stands for `silence` among the clip names of the cache; no clip has an empty name."""


class FrameCache:
    """Frames of a corpus's clips, and the messages that carry them.

    What was made is kept as long as the cache is; two calls with equal arguments return the same objects.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._frames: dict[tuple[str, AudioFormat, int], Frames] = {}
        self._messages: dict[tuple[str, AudioFormat, int, Encode], tuple[bytes, ...]] = {}

    def frames(self, clip_name: str, fmt: AudioFormat, frame_ms: int) -> Frames:
        """A clip in frames of `frame_ms`, the last one filled up with digital silence.

        G.711 is resampled by soxr before it is coded. Raises UsageError as `Corpus.samples` does.
        """
        return _cached(self._frames, (clip_name, fmt, frame_ms), lambda: self._cut(clip_name, fmt, frame_ms))

    def silence(self, fmt: AudioFormat, frame_ms: int) -> Frames:
        """What a microphone sends when nobody speaks, to be repeated: room tone, digital silence where there is none.

        Room tone is the corpus's first clip with the role `silence`, cut to whole frames.
        """
        return _cached(self._frames, (_ROOM_TONE, fmt, frame_ms), lambda: self._loop(fmt, frame_ms))

    def messages(self, clip_name: str, fmt: AudioFormat, frame_ms: int, encode: Encode) -> tuple[bytes, ...]:
        """`frames`, each as the message that `encode` (a dialect's `append_message`) makes of it."""
        return self._messages_of(clip_name, self.frames(clip_name, fmt, frame_ms), fmt, frame_ms, encode)

    def silence_messages(self, fmt: AudioFormat, frame_ms: int, encode: Encode) -> tuple[bytes, ...]:
        """`silence`, each as a message."""
        return self._messages_of(_ROOM_TONE, self.silence(fmt, frame_ms), fmt, frame_ms, encode)

    def _messages_of(
        self, clip_name: str, frames: Frames, fmt: AudioFormat, frame_ms: int, encode: Encode
    ) -> tuple[bytes, ...]:
        key = (clip_name, fmt, frame_ms, encode)
        return _cached(self._messages, key, lambda: tuple(encode(frame) for frame in frames))

    def _cut(self, clip_name: str, fmt: AudioFormat, frame_ms: int) -> Frames:
        data = self._encoded(clip_name, fmt)
        size = _frame_samples(fmt, frame_ms)
        missing = -fmt.samples(len(data)) % size
        return _split(data + pcm.silence(fmt, missing), fmt.size_bytes(size))

    def _loop(self, fmt: AudioFormat, frame_ms: int) -> Frames:
        size = _frame_samples(fmt, frame_ms)
        names = self._corpus.names(Role.SILENCE)
        data = self._encoded(names[0], fmt) if names else b""
        whole = fmt.samples(len(data)) // size
        if not whole:
            return (Audio(pcm.silence(fmt, size)),)
        return _split(data[: fmt.size_bytes(whole * size)], fmt.size_bytes(size))

    def _encoded(self, clip_name: str, fmt: AudioFormat) -> bytes:
        samples = self._corpus.samples(clip_name)
        if fmt.rate_hz != self._corpus.rate_hz:
            wide = samples.astype(np.float64) / FULL_SCALE
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
