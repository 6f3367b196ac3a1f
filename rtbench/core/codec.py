"""Codecs of audio in packets: what SDP calls them, how RTP counts their time, and who decodes them.

| name | RTP clock | samples at | a packet of 20 ms          |
| opus | 48 kHz    | 24 kHz     | variable size (RFC 7587)   |
| pcmu |  8 kHz    |  8 kHz     | 160 bytes (RFC 3551, 4.5)  |
| pcma |  8 kHz    |  8 kHz     | 160 bytes                  |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rtbench.core.audio import NS_PER_S, PCMA, PCMU, AudioFormat
from rtbench.core.pcm import Samples

PACKET_MS = 20
"""Audio in one packet: the length that every WebRTC client sends by default (RFC 7587, 7; RFC 3551, 4.2)."""


@dataclass(frozen=True, slots=True)
class AudioCodec:
    """One way to code audio in packets of 20 ms."""

    name: str
    encoding: str
    """The name in SDP's `a=rtpmap`."""

    clock_rate_hz: int
    """Units of the RTP timestamp."""

    channels: int
    """As SDP declares it; the audio is mono, and Opus is declared stereo whatever it holds (RFC 7587, 7)."""

    payload_type: int
    """The number in packets that an offer of ours gives it; G.711 has fixed ones (RFC 3551, 6)."""

    rate_hz: int
    """Samples that are encoded and decoded."""

    fmt: AudioFormat | None
    """The coding of each sample by itself; None for Opus, which looks at many."""

    @property
    def packet_samples(self) -> int:
        """Samples in a packet, at `rate_hz`."""
        return self.rate_hz * PACKET_MS // 1000

    @property
    def packet_ticks(self) -> int:
        """What a packet adds to the RTP timestamp."""
        return self.clock_rate_hz * PACKET_MS // 1000

    def ticks_ns(self, ticks: int) -> int:
        """A difference of RTP timestamps, as time."""
        return ticks * NS_PER_S // self.clock_rate_hz


OPUS = AudioCodec("opus", "opus", 48_000, 2, 111, 24_000, None)
G711_MU = AudioCodec("pcmu", "PCMU", 8_000, 1, 0, 8_000, PCMU)
G711_A = AudioCodec("pcma", "PCMA", 8_000, 1, 8, 8_000, PCMA)

CODECS: dict[str, AudioCodec] = {codec.name: codec for codec in (OPUS, G711_MU, G711_A)}
"""By the name that a scenario gives."""


class PacketDecoder(Protocol):
    """Decodes the packets of one stream, in the order of their sequence; it remembers what came before."""

    @property
    def rate_hz(self) -> int:
        """Rate of the decoded samples."""

    def decode(self, payload: bytes) -> Samples:
        """The packet's samples, one channel. Raises ValueError where the payload is not of this codec."""

    def gap(self) -> None:
        """The next packet does not follow the last one: some were lost, or nobody asked for them."""
