"""Samples: decoding, encoding and levels of mono 16-bit audio.

The one module of the core that knows numpy; others pass its arrays through. Levels are in dBFS
relative to 32768, the RMS of a full-scale square wave: a full-scale sine has -3.01 dBFS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rtbench.core.audio import PCM16, PCMA, PCMU, AudioFormat

Samples: TypeAlias = npt.NDArray[np.int16]
Levels: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.uint8]

FULL_SCALE = 32_768

EMPTY: Samples = np.empty(0, np.int16)
EMPTY.flags.writeable = False

_LARGEST_WINDOW = 1 << 16
"""n * sum(x^2) stays below 2^63 for windows up to this many samples, so levels are exact."""

_ONES = np.ones(2048, np.float64)
"""n * sum(x^2) stays below 2^53 for windows up to this many samples, so floats are as exact as integers, and quicker."""

_SILENCE = {PCM16.name: b"\0\0", PCMU.name: b"\xff", PCMA.name: b"\xd5"}


def decode(data: bytes, fmt: AudioFormat) -> Samples:
    """Encoded bytes as samples at `fmt.rate_hz`; an odd trailing byte of PCM16 is ignored. May be read-only."""
    table = _G711_DECODE.get(fmt.name)
    if table is not None:
        return table[np.frombuffer(data, np.uint8)]
    if len(data) < fmt.bytes_per_sample:
        return EMPTY
    return np.frombuffer(data, "<i2", count=len(data) // 2).astype(np.int16, copy=False)


def encode(samples: Samples, fmt: AudioFormat) -> bytes:
    """Samples, already at `fmt.rate_hz`, as encoded bytes."""
    table = _G711_ENCODE.get(fmt.name)
    if table is not None:
        return table[samples.view(np.uint16)].tobytes()
    return samples.astype("<i2", copy=False).tobytes()


def silence(fmt: AudioFormat, samples: int) -> bytes:
    """So many encoded samples of digital silence: zero, or positive zero in G.711."""
    return _SILENCE[fmt.name] * samples


def join(parts: Sequence[Samples]) -> Samples:
    """Signals one after the other."""
    return np.concatenate(parts) if parts else EMPTY


def repeated(samples: Samples, count: int, limit: int) -> Samples:
    """A signal of `count` samples: these over and over, up to `limit`, then zeros."""
    signal: Samples = np.zeros(count, np.int16)
    if samples.size:
        filled = min(count, limit)
        signal[:filled] = np.resize(samples, filled)
    return signal


def amplitude(dbfs: float) -> float:
    """The RMS, in units of the least significant bit, that has this level."""
    return FULL_SCALE * math.pow(10.0, dbfs / 20.0)


def level_dbfs(samples: Samples) -> float:
    """RMS level, a constant offset included; -inf for zeros and for no samples."""
    if not samples.size:
        return -math.inf
    energy = float(np.square(samples, dtype=np.int64).sum()) / samples.size
    return 10.0 * math.log10(energy / FULL_SCALE**2) if energy > 0.0 else -math.inf


def window_levels(samples: Samples, window: int, hop: int) -> Levels:
    """RMS of each whole window, its own mean removed, in units of the least significant bit.

    Window k covers samples `k * hop` to `k * hop + window`; a rest shorter than a window has no
    level. Sums are whole numbers, so the result does not depend on what lies before a window.
    """
    if not 0 < window <= _LARGEST_WINDOW or hop <= 0:
        raise ValueError(f"window of {window} samples, hop of {hop}: 1 to {_LARGEST_WINDOW}, and at least 1")
    count = (samples.size - window) // hop + 1 if samples.size >= window else 0
    if not count:
        return np.empty(0, np.float64)
    if hop == window <= _ONES.size:
        return _levels_side_by_side(samples[: count * window].astype(np.float64).reshape(count, window))
    if window % hop == 0 and hop <= _ONES.size:
        # Windows of whole hops: few numbers are left to add up once each hop has its sums.
        per_window, hops = window // hop, count - 1 + window // hop
        rows = samples[: hops * hop].astype(np.float64).reshape(hops, hop)
        sums = _window_sums(rows.dot(_ONES[:hop]).astype(np.int64), per_window, 1, count)
        rows *= rows
        squares = _window_sums(rows.dot(_ONES[:hop]).astype(np.int64), per_window, 1, count)
    else:
        wide = samples.astype(np.int64)
        sums = _window_sums(wide, window, hop, count)
        squares = _window_sums(wide * wide, window, hop, count)
    levels: Levels = np.sqrt(window * squares - sums * sums) / window
    return levels


def _levels_side_by_side(rows: npt.NDArray[np.float64]) -> Levels:
    """Levels of the rows, which are overwritten: few operations, as a frame of a stream has few windows."""
    window = rows.shape[1]
    ones = _ONES[:window]
    sums = rows.dot(ones)
    rows *= rows
    levels: Levels = rows.dot(ones)
    levels *= window
    sums *= sums
    levels -= sums
    np.sqrt(levels, out=levels)
    levels /= window
    return levels


def _window_sums(values: npt.NDArray[np.int64], window: int, hop: int, count: int) -> npt.NDArray[np.int64]:
    running = np.empty(values.size + 1, np.int64)
    running[0] = 0
    np.cumsum(values, out=running[1:])
    last = (count - 1) * hop + 1
    return running[window : window + last : hop] - running[:last:hop]


class LevelMeter:
    """`window_levels` of a stream that comes in pieces of any size."""

    __slots__ = ("_hop", "_rest", "_window")

    def __init__(self, window: int, hop: int) -> None:
        if hop > window:
            raise ValueError(f"a hop of {hop} samples would leave gaps between windows of {window}")
        self._window = window
        self._hop = hop
        self._rest = EMPTY

    def feed(self, samples: Samples) -> Levels:
        """Levels of the windows that these samples complete."""
        if self._rest.size:
            samples = np.concatenate((self._rest, samples))
        levels = window_levels(samples, self._window, self._hop)
        consumed = levels.size * self._hop
        self._rest = samples[consumed:].copy() if consumed < samples.size else EMPTY
        return levels


def peaks(samples: Samples, width: int) -> npt.NDArray[np.uint16]:
    """Largest magnitude in each stretch of `width` samples, a shorter last one included: a waveform to draw."""
    if width <= 0:
        raise ValueError(f"a stretch of {width} samples has no peak")
    if not samples.size:
        return np.empty(0, np.uint16)
    magnitudes = np.abs(samples.astype(np.int32))
    return np.maximum.reduceat(magnitudes, np.arange(0, samples.size, width)).astype(np.uint16)


def _mu_law_values() -> Samples:
    """Output values of ITU-T G.711 table 2, scaled from 14 to 16 bits; all bits of a code are sent inverted."""
    codes = ~np.arange(256, dtype=np.uint8)
    exponent = (codes >> 4 & 7).astype(np.int32)
    magnitude = (((codes & 15).astype(np.int32) << 3) + 132 << exponent) - 132
    return np.where(codes & 128, -magnitude, magnitude).astype(np.int16)


def _a_law_values() -> Samples:
    """Output values of ITU-T G.711 table 1, scaled from 13 to 16 bits; even bits of a code are sent inverted."""
    codes = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = (codes >> 4 & 7).astype(np.int32)
    mantissa = ((codes & 15).astype(np.int32) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, mantissa + 256 << np.maximum(exponent - 1, 0))
    return np.where(codes & 128, magnitude, -magnitude).astype(np.int16)


def _bit_lengths(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.frexp(values)[1]


def _mu_law_codes() -> Codes:
    """Code of every sample, by its unsigned bit pattern.

    Negative samples are folded by one's complement, as in ITU-T's reference software (G.191), which
    puts a decision value itself into the interval nearer to zero on the negative side.
    """
    samples = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    negative = samples < 0
    magnitude = np.minimum(np.where(negative, ~samples, samples) >> 2, 8158) + 33
    exponent = _bit_lengths(magnitude) - 6
    mantissa = magnitude >> exponent + 1 & 15
    codes: Codes = (~(np.where(negative, 128, 0) | exponent << 4 | mantissa) & 255).astype(np.uint8)
    return codes


def _a_law_codes() -> Codes:
    """Code of every sample, by its unsigned bit pattern; folded as for mu-law."""
    samples = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    negative = samples < 0
    magnitude = np.where(negative, ~samples, samples) >> 4
    exponent = np.maximum(_bit_lengths(magnitude) - 4, 0)
    mantissa = magnitude >> np.maximum(exponent - 1, 0) & 15
    codes: Codes = ((np.where(negative, 0, 128) | exponent << 4 | mantissa) ^ 0x55).astype(np.uint8)
    return codes


_G711_DECODE = {PCMU.name: _mu_law_values(), PCMA.name: _a_law_values()}
_G711_ENCODE = {PCMU.name: _mu_law_codes(), PCMA.name: _a_law_codes()}
