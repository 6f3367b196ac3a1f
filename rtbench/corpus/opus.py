"""Opus encoding (RFC 6716) by libopus, in advance: a whole sound into packets of 20 ms."""

from __future__ import annotations

from fractions import Fraction
from struct import unpack_from

import av
import numpy as np

from rtbench.core.codec import OPUS
from rtbench.core.pcm import Samples

BIT_RATE = 32_000
"""For one voice up to 12 kHz the standard's range is 28 to 40 kbit/s (RFC 6716, 2.1.1)."""

_ENCODER_OPTIONS = {
    "application": "voip",
    "frame_duration": "20",
    "vbr": "on",
    "compression_level": "10",
}
_PRE_SKIP_OFFSET = 10
"""Place of the encoder's delay in its OpusHead, in samples at 48 kHz (RFC 7845, 5.1)."""


def encode_opus(samples: Samples) -> tuple[bytes, ...]:
    """Mono samples at 24 kHz in packets; the last one is filled up with silence.

    Packet k decodes to the sound from k * 20 ms on: the encoder's delay (6.5 ms) is taken out by
    one packet before the sound, which is thrown away.
    """
    encoder = _encoder()
    size = OPUS.packet_samples
    pre_skip: int = unpack_from("<H", encoder.extradata or b"", _PRE_SKIP_OFFSET)[0]
    delay = pre_skip * OPUS.rate_hz // OPUS.clock_rate_hz
    count = -(-len(samples) // size)
    padded = np.zeros((count + 1) * size, np.int16)
    sound = samples[: len(padded) - (size - delay)]
    padded[size - delay : size - delay + len(sound)] = sound
    packets: list[bytes] = []
    for start in range(0, len(padded), size):
        frame = av.AudioFrame.from_ndarray(padded[None, start : start + size], format="s16", layout="mono")
        frame.sample_rate = OPUS.rate_hz
        frame.time_base = Fraction(1, OPUS.rate_hz)
        frame.pts = start
        packets += (bytes(packet) for packet in encoder.encode(frame))
    packets += (bytes(packet) for packet in encoder.encode(None))
    return tuple(packets[1 : count + 1])


def _encoder() -> av.AudioCodecContext:
    encoder = av.AudioCodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate = OPUS.rate_hz
    encoder.layout = "mono"
    encoder.format = "s16"
    encoder.bit_rate = BIT_RATE
    encoder.time_base = Fraction(1, OPUS.rate_hz)
    encoder.options = _ENCODER_OPTIONS
    encoder.open()
    return encoder
