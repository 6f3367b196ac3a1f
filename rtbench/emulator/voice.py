"""The voice: replies as chunks of audio with the words spoken in them, made once and shared by all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

from rtbench.core import pcm
from rtbench.core.audibility import WINDOW_MS, AudibilityDetector
from rtbench.core.audio import AUDIO_FORMATS, Audio, AudioFormat
from rtbench.emulator.recording import Recording
from rtbench.emulator.words import Word, spoken_words

Packets: TypeAlias = tuple[bytes, ...]
"""Payloads of RTP packets of 20 ms each, in order."""


class Chunk(NamedTuple):
    """A stretch of an answer: its audio as one delta's payload or as packets, and the words that begin in it."""

    audio: Audio | Packets
    text: str
    duration_ns: int


class Speech(Protocol):
    """What answers are spoken with. A transport with a codec of its own does not heed a session's format."""

    @property
    def replies(self) -> tuple[Recording, ...]: ...

    def chunks(self, reply: Recording, fmt: AudioFormat) -> tuple[Chunk, ...]:
        """A reply, in pieces."""

    def silence(self, fmt: AudioFormat, duration_ms: int) -> list[Chunk]:
        """Silence of a length that `whole_ms` gave, in pieces."""

    def whole_ms(self, duration_ms: float) -> int:
        """The nearest length that silence can have."""

    def audible_offset_ms(self, reply: Recording, fmt: AudioFormat, lead_ms: int) -> float | None:
        """Media time from the first sample sent to the first audible one, `lead_ms` of silence coming first."""


class Voice:
    """All replies, cut into chunks of `chunk_ms`; the last one of a reply is as long as it is."""

    def __init__(self, replies: Sequence[Recording], chunk_ms: int) -> None:
        self.replies = tuple(replies)
        self.chunk_ms = chunk_ms
        self._chunks: dict[tuple[str, str], tuple[Chunk, ...]] = {}
        self._silence: dict[tuple[str, int], Audio] = {}
        self._onsets_ms: dict[tuple[str, str, int], float | None] = {}

    def prepare(self) -> None:
        """Encode everything now, rather than in the middle of the first sessions."""
        for reply in self.replies:
            for fmt in AUDIO_FORMATS.values():
                for chunk in self.chunks(reply, fmt):
                    assert isinstance(chunk.audio, Audio)
                    _ = chunk.audio.base64
                self.audible_offset_ms(reply, fmt, 0)

    def chunks(self, reply: Recording, fmt: AudioFormat) -> tuple[Chunk, ...]:
        """A reply in a format."""
        key = (reply.name, fmt.name)
        if key not in self._chunks:
            self._chunks[key] = self._cut(reply, fmt)
        return self._chunks[key]

    def silence(self, fmt: AudioFormat, duration_ms: int) -> list[Chunk]:
        """Digital silence of exactly this length, in chunks."""
        whole, rest_ms = divmod(duration_ms, self.chunk_ms)
        lengths = [self.chunk_ms] * whole + ([rest_ms] if rest_ms else [])
        return [Chunk(self._silent(fmt, length), "", length * 1_000_000) for length in lengths]

    def whole_ms(self, duration_ms: float) -> int:
        return round(duration_ms)

    def audible_offset_ms(self, reply: Recording, fmt: AudioFormat, lead_ms: int) -> float | None:
        """Media time from the first sample sent to the first audible one, `lead_ms` of silence coming first.

        By the definition of `core.audibility`, on the samples that the listener decodes. None where
        nothing in the reply is audible.
        """
        # A window that straddles the reply's first sample can be the first loud one; silence further back cannot.
        near_ms = min(lead_ms, 2 * WINDOW_MS)
        key = (reply.name, fmt.name, near_ms)
        if key not in self._onsets_ms:
            lead = pcm.silence(fmt, fmt.rate_hz * near_ms // 1000)
            detector = AudibilityDetector(fmt.rate_hz)
            detector.feed(pcm.decode(lead + self._encoded(reply, fmt), fmt))
            first = detector.first_audible_sample
            self._onsets_ms[key] = None if first is None else first * 1000 / fmt.rate_hz
        onset_ms = self._onsets_ms[key]
        return None if onset_ms is None else onset_ms + lead_ms - near_ms

    def _cut(self, reply: Recording, fmt: AudioFormat) -> tuple[Chunk, ...]:
        data = self._encoded(reply, fmt)
        size_bytes = fmt.size_bytes(fmt.rate_hz * self.chunk_ms // 1000)
        words = list(spoken_words(reply.text, reply.spans))
        chunks, end_ns, total = [], 0, len(words)
        for at in range(0, len(data), size_bytes):
            piece = data[at : at + size_bytes]
            duration_ns = fmt.duration_ns(len(piece))
            end_ns += duration_ns
            last = at + size_bytes >= len(data)
            said = len(words)
            text = spoken_until(words, None if last else end_ns)
            chunks.append(Chunk(Audio(piece), text.removeprefix(" ") if said == total else text, duration_ns))
        return tuple(chunks)

    def _encoded(self, reply: Recording, fmt: AudioFormat) -> bytes:
        return pcm.encode(reply.samples[fmt.rate_hz], fmt)

    def _silent(self, fmt: AudioFormat, duration_ms: int) -> Audio:
        key = (fmt.name, duration_ms)
        if key not in self._silence:
            self._silence[key] = Audio(pcm.silence(fmt, fmt.rate_hz * duration_ms // 1000))
        return self._silence[key]


def spoken_until(words: list[Word], end_ns: int | None) -> str:
    """Take the words that begin before `end_ns` (None: all) off the list, as transcript deltas are written."""
    count = len(words) if end_ns is None else sum(word.start_ns < end_ns for word in words)
    taken, words[:count] = words[:count], []
    return "".join(f" {word.text}" for word in taken)
