"""The voice over WebRTC: replies as packets of one codec, made once and shared by all calls.

A reply is encoded as a whole, so a codec with a memory sounds as it would in one stream; what an
answer is cut into are then whole packets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtbench.core.audibility import AudibilityDetector
from rtbench.core.audio import AudioFormat
from rtbench.core.codec import PACKET_MS, AudioCodec, PacketDecoder
from rtbench.core.pcm import Samples
from rtbench.emulator.recording import Recording
from rtbench.emulator.voice import Chunk, Packets, spoken_until
from rtbench.emulator.words import spoken_words

Encode = Callable[[Samples, int, AudioCodec], Packets]
"""Packets of some sound at a sample rate, the last one filled up with silence."""

_NEAR_PACKETS = 2
"""Silence ahead of a reply that its first audible window can reach into."""


class PacketVoice:
    """What `voice.Voice` is over a WebSocket; the formats of sessions are not heeded."""

    def __init__(
        self,
        replies: tuple[Recording, ...],
        chunk_ms: int,
        codec: AudioCodec,
        encode: Encode,
        decoder: Callable[[], PacketDecoder],
    ) -> None:
        """Pieces are `chunk_ms` long, rounded to whole packets."""
        self.replies = replies
        self._codec = codec
        self._encode = encode
        self._decoder = decoder
        self._chunk_packets = max(1, round(chunk_ms / PACKET_MS))
        self._packets: dict[str, Packets] = {}
        self._chunks: dict[str, tuple[Chunk, ...]] = {}
        self._silence: dict[int, Packets] = {}
        self._longest_silence: Packets = ()
        self._onsets_ms: dict[tuple[str, int], float | None] = {}

    def prepare(self) -> None:
        """Encode everything now, rather than in the middle of the first calls."""
        for count in range(1, max(self._chunk_packets, _NEAR_PACKETS) + 1):
            self.silent_packets(count)
        for reply in self.replies:
            self._cut(reply)
            for near in range(_NEAR_PACKETS + 1):
                self._onset_ms(reply, near)

    def chunks(self, reply: Recording, fmt: AudioFormat) -> tuple[Chunk, ...]:
        return self._cut(reply)

    def silence(self, fmt: AudioFormat, duration_ms: int) -> list[Chunk]:
        whole, rest = divmod(duration_ms // PACKET_MS, self._chunk_packets)
        counts = [self._chunk_packets] * whole + ([rest] if rest else [])
        return [Chunk(self.silent_packets(count), "", count * PACKET_MS * 1_000_000) for count in counts]

    def silent_packets(self, count: int) -> Packets:
        """So many packets of digital silence."""
        if count not in self._silence:
            if count > len(self._longest_silence):
                rate_hz = self._codec.rate_hz
                most = max(count, self._chunk_packets, _NEAR_PACKETS)
                silence = np.zeros(most * PACKET_MS * rate_hz // 1000, np.int16)
                self._longest_silence = self._encode(silence, rate_hz, self._codec)
            self._silence[count] = self._longest_silence[:count]
        return self._silence[count]

    def whole_ms(self, duration_ms: float) -> int:
        return round(duration_ms / PACKET_MS) * PACKET_MS

    def audible_offset_ms(self, reply: Recording, fmt: AudioFormat, lead_ms: int) -> float | None:
        """By the definition of `core.audibility`, on what a decoder makes of the packets; its delay is in it."""
        near = min(lead_ms // PACKET_MS, _NEAR_PACKETS)
        onset_ms = self._onset_ms(reply, near)
        return None if onset_ms is None else onset_ms + lead_ms - near * PACKET_MS

    def _onset_ms(self, reply: Recording, lead_packets: int) -> float | None:
        key = (reply.name, lead_packets)
        if key not in self._onsets_ms:
            decoder = self._decoder()
            packets = self.silent_packets(lead_packets) + self._encoded(reply)
            detector = AudibilityDetector(decoder.rate_hz)
            for packet in packets:
                detector.feed(decoder.decode(packet))
                if detector.finished:
                    break
            first = detector.first_audible_sample
            self._onsets_ms[key] = None if first is None else first * 1000 / decoder.rate_hz
        return self._onsets_ms[key]

    def _cut(self, reply: Recording) -> tuple[Chunk, ...]:
        if reply.name not in self._chunks:
            packets, words = self._encoded(reply), list(spoken_words(reply.text, reply.spans))
            chunks, total = [], len(words)
            for at in range(0, len(packets), self._chunk_packets):
                piece = packets[at : at + self._chunk_packets]
                end_ns = (at + len(piece)) * PACKET_MS * 1_000_000
                last = at + self._chunk_packets >= len(packets)
                first_words = len(words) == total
                text = spoken_until(words, None if last else end_ns)
                text = text.removeprefix(" ") if first_words else text
                chunks.append(Chunk(piece, text, len(piece) * PACKET_MS * 1_000_000))
            self._chunks[reply.name] = tuple(chunks)
        return self._chunks[reply.name]

    def _encoded(self, reply: Recording) -> Packets:
        if reply.name not in self._packets:
            rate_hz = self._codec.rate_hz
            self._packets[reply.name] = self._encode(reply.samples[rate_hz], rate_hz, self._codec)
        return self._packets[reply.name]
