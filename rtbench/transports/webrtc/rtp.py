"""RTP packets (RFC 3550, 5.1): headers to bytes and back."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

_VERSION = 2
_HEADER = Struct("!BBHII")
_FIRST_BYTE = _VERSION << 6
_CSRC_COUNT = 0x0F
_HAS_EXTENSION = 0x10
_HAS_PADDING = 0x20
_MARKER = 0x80


class RtpPacket(NamedTuple):
    """A packet that arrived, its header read and its payload decrypted."""

    sequence: int
    """16 bits, counts packets."""

    timestamp: int
    """32 bits, in units of the codec's clock; starts anywhere."""

    marker: bool
    """The first packet of a talkspurt (RFC 3551, 4.1); many senders never set it."""

    payload_type: int
    ssrc: int
    payload: bytes
    """The codec's bytes, without padding."""


def build(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool) -> bytes:
    """A packet without extensions, padding or contributing sources; sequence and timestamp are already in range."""
    second = payload_type | _MARKER if marker else payload_type
    return _HEADER.pack(_FIRST_BYTE, second, sequence, timestamp, ssrc) + payload


def parse(data: bytes) -> RtpPacket:
    """Raises ValueError for what is no RTP packet of version 2; header extensions are skipped."""
    if len(data) < _HEADER.size:
        raise ValueError("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != _VERSION:
        raise ValueError(f"RTP version {first >> 6}")
    start, end = _HEADER.size, len(data)
    if first != _FIRST_BYTE:
        start += 4 * (first & _CSRC_COUNT)
        if first & _HAS_EXTENSION:
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        if first & _HAS_PADDING:
            if not 0 < data[-1] <= end - start:
                raise ValueError("RTP padding longer than the packet")
            end -= data[-1]
        if start > end:
            raise ValueError("RTP header longer than the packet")
    return RtpPacket(sequence, timestamp, second >= _MARKER, second & 0x7F, ssrc, data[start:end])


def is_rtcp(data: bytes) -> bool:
    """Whether this is control, not media, where both share a port (RFC 5761, 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223
