"""Audio packets of clips: encoded once per clip, level and codec, shared by all sessions."""

from __future__ import annotations

import numpy as np

from rtbench.core import pcm
from rtbench.core.codec import AudioCodec
from rtbench.core.pcm import Samples
from rtbench.corpus.audio_file import FULL_SCALE, resample, to_int16
from rtbench.corpus.folder import Corpus
from rtbench.corpus.manifest import Role

Packets = tuple[bytes, ...]
"""Payloads of 20 ms each, in order."""

_ROOM_TONE = ""
"""Stands for `silence` in the cache; no clip has an empty name."""


def encode_packets(samples: Samples, rate_hz: int, codec: AudioCodec, *, gain_db: float = 0.0) -> Packets:
    """Any sound in packets; the last one is filled up with silence. Packet k holds the sound from k * 20 ms on.

    Before it is coded it is made louder by `gain_db` and resampled; peaks are clipped.
    """
    if gain_db or rate_hz != codec.rate_hz:
        wide = samples.astype(np.float64) / FULL_SCALE * 10.0 ** (gain_db / 20.0)
        samples = to_int16(resample(wide, rate_hz, codec.rate_hz))
    if codec.fmt is None:
        from rtbench.corpus.opus import encode_opus

        return encode_opus(samples)
    size = codec.packet_samples
    data = pcm.encode(samples, codec.fmt) + pcm.silence(codec.fmt, -len(samples) % size)
    return tuple(data[at : at + size] for at in range(0, len(data), size))


class PacketCache:
    """Packets of a corpus's clips; two calls with equal arguments return the same object."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._packets: dict[tuple[str, float, str], Packets] = {}

    def packets(self, clip_name: str, codec: AudioCodec, *, gain_db: float = 0.0) -> Packets:
        """A clip in packets. Raises UsageError as `Corpus.samples` does."""
        key = (clip_name, gain_db, codec.name)
        made = self._packets.get(key)
        if made is None:
            samples = self._corpus.samples(clip_name)
            made = self._packets[key] = encode_packets(samples, self._corpus.rate_hz, codec, gain_db=gain_db)
        return made

    def silence(self, codec: AudioCodec) -> Packets:
        """What a microphone sends when nobody speaks, to be repeated: room tone, digital silence where there is none.

        Room tone is the corpus's first clip with the role `silence`, cut to whole packets.
        """
        key = (_ROOM_TONE, 0.0, codec.name)
        made = self._packets.get(key)
        if made is None:
            made = self._packets[key] = self._room_tone(codec)
        return made

    def _room_tone(self, codec: AudioCodec) -> Packets:
        rate_hz = self._corpus.rate_hz
        size = codec.packet_samples * rate_hz // codec.rate_hz
        names = self._corpus.names(Role.SILENCE)
        samples = self._corpus.samples(names[0]) if names else pcm.EMPTY
        whole = len(samples) // size * size
        if not whole:
            # Ten, so that an encoder that looks back has settled by the last one.
            samples, whole = np.zeros(10 * size, np.int16), 10 * size
        packets = encode_packets(samples[:whole], rate_hz, codec)
        return packets if names else packets[-1:]
