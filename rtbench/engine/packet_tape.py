"""Packets of one reply as audio that is decoded only where somebody asks for it, for pictures and recordings."""

from __future__ import annotations

from rtbench.core import pcm
from rtbench.core.audio import PCM16, Audio
from rtbench.core.codec import PacketDecoder
from rtbench.core.rtp import Media, payload_ticks


class PacketTape:
    """One reply's payloads in the order in which they are played; decoded from the first one on, each once."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._decoder: PacketDecoder | None = None
        self._payloads: list[bytes] = []
        self._decoded: list[bytes] = []

    def record(self, payload: bytes) -> Audio:
        """The next packet, as audio in the format of the media's samples (PCM16 for a codec that looks at many)."""
        if self._media.codec.fmt is not None:
            return Audio(payload)
        self._payloads.append(payload)
        return TapedAudio(self, len(self._payloads) - 1, PCM16.size_bytes(self._samples(payload)))

    def data(self, position: int) -> bytes:
        """PCM16 of the packet at this position."""
        if self._decoder is None:
            self._decoder = self._media.new_decoder()
        while len(self._decoded) <= position:
            payload = self._payloads[len(self._decoded)]
            try:
                samples = self._decoder.decode(payload)
            except ValueError:  # no packet of this codec: heard as silence
                samples = pcm.EMPTY
            self._decoded.append(pcm.encode(samples, PCM16))
        return self._decoded[position]

    def _samples(self, payload: bytes) -> int:
        codec = self._media.codec
        return payload_ticks(codec, payload) * codec.rate_hz // codec.clock_rate_hz


class TapedAudio(Audio):
    """One packet on a tape."""

    __slots__ = ("_position", "_size_bytes", "_tape")

    def __init__(self, tape: PacketTape, position: int, size_bytes: int) -> None:
        super().__init__(b"")
        self._tape = tape
        self._position = position
        self._size_bytes = size_bytes

    @property
    def data(self) -> bytes:
        return self._tape.data(self._position)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes
