"""Audio as it travels: formats of the Realtime API, and payloads that are encoded at most once."""

from __future__ import annotations

from dataclasses import dataclass

import pybase64

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One wire format of mono audio; `name` is the `type` of the API's format object."""

    name: str
    rate_hz: int
    bytes_per_sample: int

    def samples(self, size_bytes: int) -> int:
        """Whole samples in so many bytes; an odd byte of PCM16 is not a sample."""
        return size_bytes // self.bytes_per_sample

    def size_bytes(self, samples: int) -> int:
        return samples * self.bytes_per_sample

    def duration_ns(self, size_bytes: int) -> int:
        """Playing time of so many bytes."""
        return self.samples(size_bytes) * NS_PER_S // self.rate_hz


PCM16 = AudioFormat("audio/pcm", rate_hz=24_000, bytes_per_sample=2)
"""Signed 16-bit little-endian; 24 kHz is the API's only PCM rate."""

PCMU = AudioFormat("audio/pcmu", rate_hz=8_000, bytes_per_sample=1)
"""G.711 mu-law."""

PCMA = AudioFormat("audio/pcma", rate_hz=8_000, bytes_per_sample=1)
"""G.711 A-law."""

AUDIO_FORMATS: dict[str, AudioFormat] = {f.name: f for f in (PCM16, PCMU, PCMA)}


class Audio:
    """Encoded audio as bytes, or as the base64 text that carries it; the other form is made when first asked for.

    Payloads are shared: a clip's frame is one `Audio` for all sessions of a process, and a delta
    that nobody listens to is never decoded.
    """

    __slots__ = ("_base64", "_data")

    def __init__(self, data: bytes | None = None, *, base64: str | bytes | None = None) -> None:
        if (data is None) == (base64 is None):
            raise ValueError("Audio takes either bytes or base64 text")
        self._data = data
        self._base64 = base64.encode("ascii") if isinstance(base64, str) else base64

    @property
    def data(self) -> bytes:
        """The encoded samples. Raises ValueError (binascii.Error) where the base64 text is not valid."""
        if self._data is None:
            assert self._base64 is not None
            self._data = pybase64.b64decode(self._base64, validate=True)
        return self._data

    @property
    def base64(self) -> bytes:
        """The payload as ASCII base64."""
        if self._base64 is None:
            assert self._data is not None
            self._base64 = pybase64.b64encode(self._data)
        return self._base64

    @property
    def size_bytes(self) -> int:
        """Size of the encoded samples; from the length of the base64 text where that is all there is."""
        if self._data is not None:
            return len(self._data)
        text = self._base64
        assert text is not None
        return len(text) * 3 // 4 - text.count(b"=", -2)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Audio) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"Audio({self.size_bytes} bytes)"
