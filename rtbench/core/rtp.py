"""Audio as packets of RTP (RFC 3550): what a packet is, how long its sound lasts, and its place among the others.

Sequence numbers have 16 bits and timestamps 32, and both begin anywhere; here both go on counting
where they wrap. What a packet says is not trusted beyond that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rtbench.core.codec import AudioCodec, PacketDecoder

SEQUENCE_BITS = 16
TIMESTAMP_BITS = 32


class Packet(Protocol):
    """One RTP packet of the agent's voice, out of its SRTP."""

    @property
    def sequence(self) -> int: ...

    @property
    def timestamp(self) -> int: ...

    @property
    def ssrc(self) -> int:
        """The source, whose numbers and timestamps count for themselves (RFC 3550, 5.1)."""

    @property
    def marker(self) -> bool:
        """Set on the first packet after a pause in which nothing was sent (RFC 3551, 4.1)."""

    @property
    def payload(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Media:
    """What a session's RTP turned out to be: the codec that was agreed on, and how to decode it."""

    codec: AudioCodec
    new_decoder: Callable[[], PacketDecoder]
    """Every reply gets one of its own, so that none begins with the end of the one before."""


class Arrival(NamedTuple):
    """A packet in its place: sequence and timestamp without their wraps."""

    sequence: int
    ticks: int
    marker: bool
    payload: bytes
    at_ns: int


class Unwrapped:
    """Goes on counting where a counter of so many bits wraps; what comes is taken to be nearest to the highest so far."""

    __slots__ = ("_highest", "_span")

    def __init__(self, bits: int) -> None:
        self._span = 1 << bits
        self._highest: int | None = None

    def count(self, value: int) -> int:
        """The value without its wraps; the first one is itself."""
        if self._highest is None:
            self._highest = value
            return value
        half = self._span >> 1
        unwrapped = self._highest + (value - self._highest + half) % self._span - half
        self._highest = max(self._highest, unwrapped)
        return unwrapped


def payload_ticks(codec: AudioCodec, payload: bytes) -> int:
    """Length of a packet's sound on the RTP clock; 0 where there is none in it."""
    return _opus_ticks(payload) if codec.fmt is None else codec.fmt.samples(len(payload))


def is_whole(codec: AudioCodec, ticks: int) -> bool:
    """Whether a packet can be of this length: not of none, and of G.711 not of part of a millisecond (RFC 8866, 6.4: ptime)."""
    return ticks > 0 and (codec.fmt is None or ticks % (codec.clock_rate_hz // 1000) == 0)


def _opus_ticks(payload: bytes) -> int:
    """Length of an Opus packet at 48 kHz by its first bytes (RFC 6716, 3.1 and 3.2)."""
    if not payload:
        return 0
    configuration, code = payload[0] >> 3, payload[0] & 3
    if configuration < 12:  # SILK
        frame = (480, 960, 1920, 2880)[configuration & 3]
    elif configuration < 16:  # hybrid
        frame = (480, 960)[configuration & 1]
    else:  # CELT
        frame = (120, 240, 480, 960)[configuration & 3]
    if code == 3:
        return frame * (payload[1] & 63) if len(payload) > 1 else 0
    return frame if code == 0 else 2 * frame
