"""The labelling rule: where speech starts, ends and holds, told from the audio alone.

The true end of speech is where every latency of the caller's side begins, so it is set once, offline,
over the whole clip, by a rule that needs no tuning per voice; never by a VAD at run time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtbench.core.pcm import FULL_SCALE, Samples
from rtbench.corpus.manifest import Role, Span

BLOCK_MS = 1
WINDOW_MS = 10
GATE_DB = 30.0
"""A window counts towards the speech level where it lies at most so far below the loudest one."""

BELOW_SPEECH_DB = 30.0
"""Weak fricatives and releases lie 20 to 30 dB below the level of the utterance; echo and breath below that."""

ABOVE_NOISE_DB = 12.0
"""The quietest window of steady noise lies 2 to 3 dB below its mean, so this is some 10 dB above the noise."""

FLOOR_DBFS = -60.0
"""Room noise of a quiet office; nothing below is anybody's speech."""

HOLD_MS = 100
"""Longer than the closure of a stop consonant (50 to 90 ms), shorter than any endpointer's silence."""

RULE = (
    f"blocks-1: RMS of {BLOCK_MS} ms blocks, mean of the clip removed, and of {WINDOW_MS} ms windows that advance by a "
    f"block. Speech level: mean power of the windows within {GATE_DB:.0f} dB of the loudest. Threshold: the highest of "
    f"{BELOW_SPEECH_DB:.0f} dB below the speech level, {ABOVE_NOISE_DB:.0f} dB above the quietest window (but at "
    f"least {ABOVE_NOISE_DB:.0f} dB below the speech level) and {FLOOR_DBFS:.0f} dBFS. A block is speech if it "
    f"reaches the threshold inside a window that does. Speech runs from the first such block to the last; a hold is "
    f"{HOLD_MS} ms or more between two of them. A cough, a click or a tone is labelled as speech is, without holds; noise "
    f"and silence have an empty span at the clip's end."
)
"""Kept in the manifest as `labelled_by`; labels are only compared with those of the same rule."""

SOUNDLESS_ROLES = frozenset({Role.NOISE, Role.SILENCE})
"""Clips without an utterance or an event that begins and ends."""

SOUND_ROLES = frozenset({Role.COUGH, Role.CLICK, Role.TONE})
"""Events of a known beginning and end that are no utterance: nobody goes on after a pause in them."""

_Powers = npt.NDArray[np.float64]


class Labels(NamedTuple):
    """Where the speech of a clip is, in samples."""

    speech: Span
    holds: tuple[Span, ...]


def label(samples: Samples, rate_hz: int, role: Role = Role.STATEMENT) -> Labels:
    """Labels by `RULE`; exact to one block. A clip without speech gets an empty span at its end."""
    empty = Labels(Span(start=len(samples), end=len(samples)), ())
    if role in SOUNDLESS_ROLES:
        return empty
    blocks = _block_powers(samples, rate_hz)
    active = np.flatnonzero(_speech_blocks(blocks))
    if not active.size:
        return empty
    size = rate_hz * BLOCK_MS // 1000
    speech = Span(start=int(active[0]) * size, end=(int(active[-1]) + 1) * size)
    if role in SOUND_ROLES:
        return Labels(speech, ())
    pauses = np.flatnonzero(np.diff(active) > HOLD_MS // BLOCK_MS)
    holds = tuple(Span(start=(int(active[i]) + 1) * size, end=int(active[i + 1]) * size) for i in pauses)
    return Labels(speech, holds)


def speech_level_dbfs(samples: Samples, rate_hz: int) -> float:
    """The speech level of `RULE`: pauses do not count; -inf for digital silence."""
    power = _speech_power(_window_powers(_block_powers(samples, rate_hz)))
    return 10.0 * math.log10(power) if power > 0.0 else -math.inf


def _block_powers(samples: Samples, rate_hz: int) -> _Powers:
    """Mean power of each block, full scale 1.0; a rest shorter than a block is left out."""
    size = rate_hz * BLOCK_MS // 1000
    count = len(samples) // size
    if not count:
        return np.empty(0, np.float64)
    centred = (samples - samples.mean()) / FULL_SCALE
    rows = centred[: count * size].reshape(count, size)
    return np.asarray(np.einsum("ij,ij->i", rows, rows) / size)


def _window_powers(blocks: _Powers) -> _Powers:
    """Mean power of each window, one per block; a clip shorter than a window is one window."""
    width = min(WINDOW_MS // BLOCK_MS, len(blocks))
    if not width:
        return blocks
    return np.asarray(np.lib.stride_tricks.sliding_window_view(blocks, width).mean(axis=1))


def _speech_power(windows: _Powers) -> float:
    if not windows.size or windows.max() <= 0.0:
        return 0.0
    return float(windows[windows >= windows.max() * _ratio(-GATE_DB)].mean())


def _speech_blocks(blocks: _Powers) -> npt.NDArray[np.bool_]:
    """Which blocks are speech. A window that reaches the threshold has a block that does."""
    windows = _window_powers(blocks)
    threshold = _threshold(windows)
    covered = np.zeros(len(blocks), np.bool_)
    width = len(blocks) - len(windows) + 1
    for first in np.flatnonzero(windows >= threshold):
        covered[first : first + width] = True
    return covered & (blocks >= threshold)


def _threshold(windows: _Powers) -> float:
    speech = _speech_power(windows)
    if not speech:
        return math.inf
    above_noise = min(float(windows.min()) * _ratio(ABOVE_NOISE_DB), speech * _ratio(-ABOVE_NOISE_DB))
    return max(speech * _ratio(-BELOW_SPEECH_DB), above_noise, _ratio(FLOOR_DBFS))


def _ratio(decibels: float) -> float:
    return float(10.0 ** (decibels / 10.0))
