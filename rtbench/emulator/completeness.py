"""Completeness: whether what was said so far is all of a known recording, or breaks off inside it.

The envelope of what was heard is compared (normalised correlation) with every recording as far as it
reaches, the pause at its end included: from the recording's first sound and, for a turn that began in
mid-utterance, from the sound after each of its pauses. What was heard is complete where the likest of
them has nothing more to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtbench.core.pcm import Levels, Samples
from rtbench.emulator.envelope import LOUD, envelope, loud_runs
from rtbench.emulator.recording import Recording

MIN_PAUSE_WINDOWS = 6
"""Windows of 30 ms see the two edges of a pause as sound: a pause of 100 ms is at least so long to them."""

SHIFT_WINDOWS = 3
"""How far an onset may be off, by the grid and by what an encoding leaves of its first soft sounds."""

LIKENESS = 0.92
"""As for whole recordings (see `recognizer`)."""

TIE = 0.008
"""A lone word and the same at the head of a phrase differ by less: the lone one is taken, as an answer is not held up then."""

SILENCE_WINDOWS = 6
"""How much of the silence after the last sound is compared: the judge is asked after 100 ms of it."""

REST_WINDOWS = 5
"""As little as 50 ms of sound to come is another word; less is the breath after the last one."""


Rows = npt.NDArray[np.float32]


class Completeness(Enum):
    """What was heard so far, as against known recordings."""

    UNKNOWN = "unknown"
    PART = "part"
    WHOLE = "whole"


class KnownUtterances:
    """Recordings at one sample rate, from the beginning and from after each pause."""

    def __init__(self, recordings: Sequence[Recording], rate_hz: int) -> None:
        self._rate_hz = rate_hz
        rows = sorted(
            (row for recording in recordings for row in _beginnings(recording, rate_hz)),
            key=len,
            reverse=True,
        )
        self._lengths = np.array([len(row) for row in rows], np.int64)
        self._levels = np.zeros((len(rows), max(map(len, rows), default=0) + SILENCE_WINDOWS), np.float32)
        for index, row in enumerate(rows):
            self._levels[index, : len(row)] = row

    def completeness(self, samples: Samples) -> Completeness:
        """Judge the sound in these samples, from its first loud window on."""
        levels = envelope(samples, self._rate_hz).astype(np.float32)
        loud = np.flatnonzero(levels > LOUD)
        if not loud.size:
            return Completeness.UNKNOWN
        start, end = int(loud[0]), int(loud[-1]) + 1
        found = self._likest(_shifted(levels, start, min(end + SILENCE_WINDOWS, len(levels))), end - start)
        if found is None:
            return Completeness.UNKNOWN
        goes_on = self._goes_on(found, end - start, float(levels[start:end].mean()))
        return Completeness.PART if goes_on else Completeness.WHOLE

    def _likest(self, heard: Rows, sound_windows: int) -> int | None:
        """Index of the recording that begins most like one of these rows, where it is like enough."""
        length = heard.shape[1]
        count = int((self._lengths >= sound_windows - SHIFT_WINDOWS).sum())
        if not count or length > self._levels.shape[1]:
            return None
        known = self._levels[:count, :length]
        scales = np.sqrt(np.maximum(np.square(known).sum(1) - length * np.square(known.mean(1)), 1.0))
        likeness = (known @ _normalised(heard).T).max(axis=1) / scales
        ends_here = self._lengths[:count] <= sound_windows + SHIFT_WINDOWS
        best = int((likeness + TIE * ends_here).argmax())
        return best if likeness[best] > LIKENESS else None

    def _goes_on(self, index: int, sound_windows: int, mean_level: float) -> bool:
        """Whether a recording has more to say after so many windows, at the level at which it was said so far."""
        known = self._levels[index]
        gain = mean_level / float(known[:sound_windows].mean())
        rest = known[sound_windows + SHIFT_WINDOWS :] * gain
        return int((rest > LOUD).sum()) >= REST_WINDOWS


def _beginnings(recording: Recording, rate_hz: int) -> list[Levels]:
    """The recording's envelope from the start of each of its runs to the end of the last."""
    if rate_hz not in recording.samples:
        return []
    levels = envelope(recording.samples[rate_hz], rate_hz)
    runs = loud_runs(levels, MIN_PAUSE_WINDOWS)
    return [levels[start : runs[-1][1]] for start, _ in runs]


def _shifted(levels: Rows, start: int, end: int) -> Rows:
    """What was heard, as rows that begin up to SHIFT_WINDOWS before and after `start`; silence lies around it.

    Steps are half windows, by interpolation: short words are told apart by no more than that.
    """
    padded = np.pad(levels, SHIFT_WINDOWS + 1)
    steps = [padded[start + shift : end + shift] for shift in range(1, 2 * SHIFT_WINDOWS + 3)]
    between = [(one + next_one) / np.float32(2) for one, next_one in pairwise(steps)]
    return np.stack([*steps[:-1], *between[:-1]])


def _normalised(rows: Rows) -> Rows:
    """Rows of mean 0 and length 1."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    normalised: Rows = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return normalised
