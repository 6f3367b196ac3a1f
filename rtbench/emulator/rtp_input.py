"""The user's audio out of RTP packets: in order, with silence where packets are missing.

The sample clock of what comes out is that of the packets' timestamps: a second of media is a second
of samples, whatever was lost on the way. A packet that is missing is waited for while few others have
come; then it is given up, and one that comes later still is dropped.
"""

from __future__ import annotations

from typing import Protocol

from rtbench.core import pcm
from rtbench.core.audio import PCM16, AudioFormat
from rtbench.core.codec import AudioCodec, PacketDecoder
from rtbench.core.rtp import Packet

REORDER_PACKETS = 3
"""Packets that may overtake one: 60 ms, as long as a browser's jitter buffer waits at its least."""

_MAX_GAP_MS = 60_000
"""Timestamps further apart than this are those of another stream: nothing is filled in."""


class StreamPacket(Packet, Protocol):
    """A packet that says whose it is."""

    @property
    def ssrc(self) -> int:
        """The stream that it belongs to."""


class RtpInput:
    """The packets of one caller, each of which adds as much audio as has become known by it."""

    def __init__(self, codec: AudioCodec, decoder: PacketDecoder) -> None:
        self.fmt: AudioFormat = codec.fmt or PCM16
        """Of the audio that comes out; its rate is the codec's."""

        self._codec = codec
        self._decoder = decoder
        self._held: dict[int, StreamPacket] = {}
        self._ssrc: int | None = None
        self._next = 0
        """Sequence number that comes next, counted on beyond 16 bits."""

        self._next_ticks: int | None = None
        self.lost = 0
        """Packets that were given up."""

        self.late = 0
        """Packets that came twice, or after they had been given up."""

    def receive(self, packet: StreamPacket) -> bytes:
        """Audio that is known by now, in `fmt`; empty where an earlier packet is waited for."""
        if packet.ssrc != self._ssrc:
            self._begin(packet)
        number = self._next + _signed(packet.sequence - self._next, 16)
        if number < self._next or number in self._held:
            self.late += 1
            return b""
        self._held[number] = packet
        audio = self._take_ready()
        if len(self._held) > REORDER_PACKETS:
            first = min(self._held)
            self.lost += first - self._next
            self._next = first
            self._decoder.gap()
            audio += self._take_ready()
        return audio

    def _begin(self, packet: StreamPacket) -> None:
        """Another stream has nothing to do with the one before, neither numbers nor timestamps."""
        self._ssrc, self._next, self._next_ticks = packet.ssrc, packet.sequence, None
        self._held.clear()
        self._decoder.gap()

    def _take_ready(self) -> bytes:
        audio = b""
        while (packet := self._held.pop(self._next, None)) is not None:
            self._next += 1
            audio += self._gap_before(packet) + self._decoded(packet)
        return audio

    def _gap_before(self, packet: StreamPacket) -> bytes:
        """Silence for what was lost, or never sent as nobody spoke."""
        if self._next_ticks is None:
            return b""
        ticks = _signed(packet.timestamp - self._next_ticks, 32)
        if not 0 < ticks <= self._codec.clock_rate_hz * _MAX_GAP_MS // 1000:
            return b""
        return pcm.silence(self.fmt, ticks * self._codec.rate_hz // self._codec.clock_rate_hz)

    def _decoded(self, packet: StreamPacket) -> bytes:
        if self._codec.fmt is not None:
            audio = packet.payload
        else:
            try:
                audio = pcm.encode(self._decoder.decode(packet.payload), self.fmt)
            except ValueError:
                # As good as lost, and as long as packets are.
                audio = pcm.silence(self.fmt, self._codec.packet_samples)
        samples = self.fmt.samples(len(audio))
        if samples:
            self._next_ticks = packet.timestamp + samples * self._codec.clock_rate_hz // self._codec.rate_hz
        return audio


def _signed(difference: int, bits: int) -> int:
    """A difference of numbers that wrap around, as the shorter way."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
