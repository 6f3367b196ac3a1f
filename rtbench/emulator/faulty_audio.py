"""Audio that is broken on purpose: half a sample too much in a delta, packets cut short, and packets that get lost."""

from __future__ import annotations

from rtbench.core.audio import Audio
from rtbench.emulator.voice import Packets

LOST = b""
"""Stands for a packet that is lost on the way: its number is used up, and nothing is sent."""

_NO_COUNT = 3
"""Bits of an Opus packet's first byte that announce a count of frames in the second (RFC 6716, 3.2.5)."""


def with_half_a_sample(audio: Audio) -> Audio:
    """A delta that ends in the middle of a sample of PCM16."""
    return Audio(audio.data + b"\x00")


def cut_short(packets: Packets) -> Packets:
    """The last packet of a piece with one byte left of it.

    That is no packet of Opus, which lacks its count of frames, and none of G.711, whose packets last whole
    milliseconds (`ptime`, RFC 8866, 6.4).
    """
    if not packets or not packets[-1]:
        return packets
    return (*packets[:-1], bytes((packets[-1][0] | _NO_COUNT,)))


def lose(packets: Packets, count: int) -> Packets:
    """The first packets of a piece are lost."""
    return ((LOST,) * count + packets[count:]) if count else packets
