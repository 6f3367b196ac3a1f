"""Clips without words: seeded noise in the shape of a cough, a click, a street, a crowd and an empty room; keys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtbench.corpus.audio_file import FloatSamples
from rtbench.corpus.recipe import SoundClip

_TALKERS = 6
_SYLLABLES_HZ = 4.0
"""Speech rises and falls about four times a second."""

_COUGH_BURSTS = ((0.0, 1.0), (0.55, 0.7))
"""Start, as a share of the clip, and loudness of the two expulsions."""

_CLICK_DECAY_DB = 15.0
"""From first to last sample: a knock that stays audible to its end, so its length is its length."""


_KEYPAD = ("123A", "456B", "789C", "*0#D")
_ROWS_HZ = (697, 770, 852, 941)
_COLUMNS_HZ = (1209, 1336, 1477, 1633)
"""A key sounds as its row's and its column's frequency together (ITU-T Q.23, figure 1)."""

_RAMP_S = 0.002
"""Rise and fall of a tone: too slow to click, too fast to move its labelled edges."""


def make_sound(clip: SoundClip, rate_hz: int, seed: int) -> FloatSamples:
    """The sound at an arbitrary level; the same seed and clip name give the same samples."""
    rng = np.random.default_rng([seed, *clip.name.encode()])
    count = rate_hz * clip.duration_ms // 1000
    if clip.key is not None:
        return _dtmf(clip.key, count, rate_hz)
    return _SOUNDS[clip.sound](rng, count, rate_hz)


def _cough(rng: np.random.Generator, count: int, rate_hz: int) -> FloatSamples:
    """Two expulsions: an attack of 3 ms, a broad burst, and a lower, weaker rest."""
    sound = np.zeros(count)
    for start, loudness in _COUGH_BURSTS:
        first = int(start * count)
        length = int(0.42 * count)
        time_s = np.arange(length) / rate_hz
        attack = np.minimum(time_s / 0.003, 1.0)
        burst = _band_noise(rng, length, rate_hz, 350.0, 3_500.0) * np.exp(-time_s / 0.035)
        rest = _band_noise(rng, length, rate_hz, 250.0, 1_200.0) * np.exp(-time_s / 0.070)
        sound[first : first + length] += loudness * attack * (burst + 0.5 * rest)
    return sound


def _click(rng: np.random.Generator, count: int, rate_hz: int) -> FloatSamples:
    decay = 10.0 ** (-_CLICK_DECAY_DB / 20.0 * np.arange(count) / count)
    return _band_noise(rng, count, rate_hz, 600.0, 6_000.0) * decay


def _pink_noise(rng: np.random.Generator, count: int, rate_hz: int) -> FloatSamples:
    """Equal power per octave from 50 Hz to 8 kHz."""
    return _noise(rng, count, rate_hz, lambda hz: _band(hz, 50.0, 8_000.0) / np.sqrt(np.maximum(hz, 1.0)))


def _babble(rng: np.random.Generator, count: int, rate_hz: int) -> FloatSamples:
    """Noise with the long-term spectrum of speech, under the envelopes of several talkers."""
    talkers = [_talker(rng, count, rate_hz) for _ in range(_TALKERS)]
    return np.asarray(np.sum(talkers, axis=0))


def _talker(rng: np.random.Generator, count: int, rate_hz: int) -> FloatSamples:
    envelope = np.abs(_noise(rng, count, rate_hz, lambda hz: (hz <= _SYLLABLES_HZ).astype(np.float64)))
    return envelope * _noise(rng, count, rate_hz, lambda hz: _band(hz, 120.0, 5_000.0) / (1.0 + hz / 500.0))


def _room_tone(rng: np.random.Generator, count: int, rate_hz: int) -> FloatSamples:
    """Ventilation and a microphone's own hiss; made in the frequency domain, so its end meets its beginning."""
    return _noise(rng, count, rate_hz, lambda hz: 0.1 + _band(hz, 40.0, 400.0))


def _band_noise(
    rng: np.random.Generator, count: int, rate_hz: int, low_hz: float, high_hz: float
) -> FloatSamples:
    return _noise(rng, count, rate_hz, lambda hz: _band(hz, low_hz, high_hz))


def _band(hz: FloatSamples, low_hz: float, high_hz: float) -> FloatSamples:
    """Gain of a band with second-order slopes."""
    safe_hz = np.maximum(hz, 1.0)
    return 1.0 / (1.0 + (low_hz / safe_hz) ** 2) / (1.0 + (safe_hz / high_hz) ** 2)


def _dtmf(key: str, count: int, rate_hz: int) -> FloatSamples:
    """Both frequencies of a key, equally strong."""
    ((row, column),) = [(row, keys.index(key)) for row, keys in enumerate(_KEYPAD) if key in keys]
    time_s = np.arange(count) / rate_hz
    tones = [np.sin(2.0 * np.pi * hz * time_s) for hz in (_ROWS_HZ[row], _COLUMNS_HZ[column])]
    ramp = np.minimum(1.0, np.minimum(time_s + 1.0 / rate_hz, time_s[::-1] + 1.0 / rate_hz) / _RAMP_S)
    return np.asarray(np.sum(tones, axis=0) * ramp)


def _noise(
    rng: np.random.Generator, count: int, rate_hz: int, gain: Callable[[FloatSamples], FloatSamples]
) -> FloatSamples:
    """White noise of RMS 1 before it passes a filter without phase, `gain` by frequency in Hz; periodic in `count`."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies_hz = np.fft.rfftfreq(count, 1.0 / rate_hz).astype(np.float64)
    return np.fft.irfft(spectrum * gain(frequencies_hz), n=count)


_SOUNDS: dict[str, Callable[[np.random.Generator, int, int], FloatSamples]] = {
    "cough": _cough,
    "click": _click,
    "pink_noise": _pink_noise,
    "babble": _babble,
    "room_tone": _room_tone,
}
