"""Decoders of audio packets, by codec."""

from __future__ import annotations

from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt

from rtbench.core import pcm
from rtbench.core.audio import AudioFormat
from rtbench.core.codec import CODECS, G711_A, G711_MU, OPUS, PACKET_MS, AudioCodec, PacketDecoder
from rtbench.core.pcm import Samples

Wide: TypeAlias = npt.NDArray[np.float64]

__all__ = ["CODECS", "G711_A", "G711_MU", "OPUS", "PACKET_MS", "AudioCodec", "PacketDecoder", "decoder"]


def decoder(codec: AudioCodec) -> PacketDecoder:
    """A decoder for one stream of packets."""
    return OpusDecoder() if codec.fmt is None else SampleDecoder(codec.fmt)


class SampleDecoder:
    """G.711: each byte is a sample, whatever came before it."""

    def __init__(self, fmt: AudioFormat) -> None:
        self._fmt = fmt

    @property
    def rate_hz(self) -> int:
        """See `PacketDecoder`."""
        return self._fmt.rate_hz

    def decode(self, payload: bytes) -> Samples:
        """See `PacketDecoder`; any bytes are G.711."""
        return pcm.decode(payload, self._fmt)

    def gap(self) -> None:
        """See `PacketDecoder`; nothing is remembered."""


class OpusDecoder:
    """libopus, and half of the samples that it makes: it always decodes to 48 kHz.

    The low-pass filter before the halving delays the sound by 0.21 ms.
    """

    def __init__(self) -> None:
        context = av.AudioCodecContext.create("libopus", "r")
        assert isinstance(context, av.AudioCodecContext)
        context.layout = "mono"  # two channels are mixed by libopus
        context.format = "s16"
        context.sample_rate = OPUS.clock_rate_hz
        self._context = context
        self._halver = Halver()

    @property
    def rate_hz(self) -> int:
        """See `PacketDecoder`."""
        return OPUS.rate_hz

    def decode(self, payload: bytes) -> Samples:
        """See `PacketDecoder`; the packet may hold any whole number of frames."""
        try:
            frames = self._context.decode(av.Packet(payload))
        except av.FFmpegError as error:
            raise ValueError(f"not an Opus packet: {error}") from None
        if not frames:
            return pcm.EMPTY
        # One channel of 16 bits: the first plane is the samples, and what it is padded with.
        sounds = [np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples) for frame in frames]
        return self._halver.feed(sounds[0] if len(sounds) == 1 else np.concatenate(sounds))

    def gap(self) -> None:
        """See `PacketDecoder`; the next packet is decoded as the first of a stream."""
        self._context.flush_buffers()
        self._halver = Halver()


def _half_band() -> Wide:
    """Every second tap of a half-band low-pass (the others are zero, the middle one a half), for a gain of one.

    A windowed sinc of 23 taps: flat to 9 kHz, -40 dB from 15 kHz on, at 48 kHz.
    """
    offsets = np.arange(-11, 12, 2)
    taps: Wide = np.sinc(offsets / 2) / 2 * np.kaiser(25, 3.5)[1:-1:2]
    taps *= 0.5 / taps.sum()
    return taps


class Halver:
    """Halves the sample rate of a stream that comes in pieces of an even number of samples."""

    _TAPS = _half_band()

    def __init__(self) -> None:
        self._last: Samples = np.zeros(2 * len(self._TAPS) - 2, np.int16)

    def feed(self, samples: Samples) -> Samples:
        """Half as many samples, 10 samples of the higher rate late."""
        signal: Samples = np.concatenate((self._last, samples))
        self._last = signal[len(samples) :]
        count = len(samples) // 2
        # The middle tap falls on the even samples: those from the twelfth one on.
        centre = len(self._TAPS)
        halved: Wide = np.convolve(signal[1::2].astype(np.float64), self._TAPS, "valid")
        halved += signal[centre : centre + 2 * count : 2] * 0.5
        np.rint(halved, out=halved)
        return halved.clip(-pcm.FULL_SCALE, pcm.FULL_SCALE - 1, out=halved).astype(np.int16)
