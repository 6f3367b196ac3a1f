"""Decoding that calls share: the callers of a load test play the same clips, and what was heard once is known.

A packet's samples depend on those before it, the less the further back they lie. So a packet is known
again by itself and the one before it; on the English corpus in Opus, with clips in any order, what is
then heard differs from what a decoder of one's own would hear by -74 dB of its level at most.
"""

from __future__ import annotations

from collections import deque

from rtbench.core.codec import PacketDecoder
from rtbench.core.pcm import Samples

WARM_UP_PACKETS = 8
"""Decoded before one that is not known, where the decoder did not hear them: its state has settled by then."""

_MAX_KNOWN = 20_000
"""Packets, 400 s of audio: 25 MB."""

_Key = tuple[bytes, bytes]
"""A packet, after the one before it."""


class KnownPackets:
    """Decoded packets of all calls in one codec; the oldest are forgotten first."""

    def __init__(self, most: int = _MAX_KNOWN) -> None:
        self._most = most
        self._samples: dict[_Key, Samples] = {}

    def __len__(self) -> int:
        return len(self._samples)

    def get(self, key: _Key) -> Samples | None:
        return self._samples.get(key)

    def add(self, key: _Key, samples: Samples) -> None:
        if len(self._samples) >= self._most:
            del self._samples[next(iter(self._samples))]
        self._samples[key] = samples


class SharedDecoder:
    """The decoder of one call (see `core.codec.PacketDecoder`); `decoder` is asked only for what nobody has said before."""

    def __init__(self, decoder: PacketDecoder, known: KnownPackets) -> None:
        self._decoder = decoder
        self._known = known
        self._last = b""
        self._before: deque[bytes] = deque(maxlen=WARM_UP_PACKETS)
        self._missed = False
        """The decoder has not heard the packets before."""

    @property
    def rate_hz(self) -> int:
        return self._decoder.rate_hz

    def decode(self, payload: bytes) -> Samples:
        key = (self._last, payload)
        samples = self._known.get(key)
        if samples is None:
            samples = self._decode(payload)
            self._known.add(key, samples)
        else:
            self._missed = True
        self._before.append(payload)
        self._last = payload
        return samples

    def gap(self) -> None:
        self._last = b""
        self._before.clear()
        self._missed = False
        self._decoder.gap()

    def _decode(self, payload: bytes) -> Samples:
        if self._missed:
            self._missed = False
            self._decoder.gap()
            for earlier in self._before:
                self._decoder.decode(earlier)
        return self._decoder.decode(payload)
