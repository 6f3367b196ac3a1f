"""Voice activity by energy: where speech begins and ends in a stream, back-dated to the true edge."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from rtbench.core.pcm import LevelMeter, Samples, amplitude

WINDOW_MS = 10
HYSTERESIS_DB = 6.0
"""An utterance's decay and its soft sounds stay speech down to this far below what began it."""

MIN_SPEECH_MS = 60
"""Longer than a click or a tap on the table, shorter than the shortest word."""


PauseJudge = Callable[[int, int], float]
"""Says how much silence in ms ends speech this time; asked with the sample at which speech began, and the one heard up to."""


class SpeechStart(NamedTuple):
    """Speech began at `sample`, as was known at `decided_sample`; both count from the stream's first sample."""

    sample: int
    decided_sample: int


class SpeechEnd(NamedTuple):
    """The first sample after speech is `sample`, as was known at `decided_sample`."""

    sample: int
    decided_sample: int


def threshold_dbfs(threshold: float) -> float:
    """Level that begins speech: linear in dB from -60 dBFS at 0 to -20 dBFS at 1, -40 dBFS at the API's default 0.5.

    Raises ValueError outside of 0 to 1.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"a VAD threshold lies between 0 and 1, not {threshold}")
    return -60.0 + 40.0 * threshold


class EnergyVad:
    """Energy VAD with hysteresis on a grid of 10 ms windows that starts with the stream.

    Speech begins with a window above the upper threshold, once no window has fallen below the lower
    one, 6 dB further down, for `min_speech_ms` beyond the two edge windows that a sound may only
    graze: a sound shorter than `min_speech_ms` never starts speech, one 20 ms longer always does.
    Speech ends `silence_ms` after the end of the last window at or above the lower threshold; while
    someone speaks, a burst of any length is speech. How the stream is cut into feeds changes nothing.
    """

    def __init__(
        self,
        rate_hz: int,
        threshold: float = 0.5,
        silence_ms: float = 500,
        min_speech_ms: float = MIN_SPEECH_MS,
    ) -> None:
        self._rate_hz = rate_hz
        self._window = rate_hz * WINDOW_MS // 1000
        self._meter = LevelMeter(self._window, self._window)
        self._onset = self._samples(min_speech_ms) + 2 * self._window
        self.position = 0
        """Samples fed so far."""

        self.speaking = False
        self._measured = 0
        self._candidate: int | None = None
        self._began = 0
        self._loud_end = 0
        self._judge: PauseJudge | None = None
        self._pause: float = math.inf
        self._judged = False
        self.threshold = threshold
        self.silence_ms = silence_ms

    @property
    def threshold(self) -> float:
        """Sensitivity from 0 to 1 (see `threshold_dbfs`); may be changed while running."""
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        upper_dbfs = threshold_dbfs(threshold)
        self._threshold = threshold
        self._upper = amplitude(upper_dbfs)
        self._lower = amplitude(upper_dbfs - HYSTERESIS_DB)

    @property
    def silence_ms(self) -> float:
        """Silence that ends speech; may be changed while running, also in the middle of a silence."""
        return self._silence_ms

    @silence_ms.setter
    def silence_ms(self, silence_ms: float) -> None:
        self._silence_ms = silence_ms
        self._silence = self._samples(silence_ms)
        if not self._judged:
            self._limit = self._silence

    @property
    def quiet_samples(self) -> int:
        """How long nothing was heard, while someone speaks."""
        return self._measured - self._loud_end

    def judge_pauses(self, pause_ms: float, judge: PauseJudge | None) -> None:
        """Ask `judge` after so much silence, once in every pause; None takes `silence_ms` for all of them."""
        self._pause = math.inf if judge is None else self._samples(pause_ms)
        self._judge = judge

    def reset(self) -> None:
        """Forget speech that is under way; positions go on counting."""
        self.speaking = False
        self._candidate = None

    def feed(self, samples: Samples) -> list[SpeechStart | SpeechEnd]:
        """Listen to the next samples, and say what was decided by them, in order."""
        self.position += len(samples)
        edges: list[SpeechStart | SpeechEnd] = []
        for level in self._meter.feed(samples).tolist():
            start = self._measured
            self._measured = end = start + self._window
            edge = self._hear_speech(level, end) if self.speaking else self._hear_silence(level, start, end)
            if edge is not None:
                edges.append(edge)
        return edges

    def _hear_silence(self, level: float, start: int, end: int) -> SpeechStart | None:
        if level < self._lower:
            self._candidate = None
        elif self._candidate is None and level > self._upper:
            self._candidate = start
        if self._candidate is None or end - self._candidate < self._onset:
            return None
        self._began, self._candidate = self._candidate, None
        self.speaking = True
        self._resume(end)
        return SpeechStart(self._began, end)

    def _hear_speech(self, level: float, end: int) -> SpeechEnd | None:
        if level >= self._lower:
            self._resume(end)
            return None
        quiet = end - self._loud_end
        if quiet >= self._pause and not self._judged and self._judge is not None:
            self._judged = True
            self._limit = self._samples(self._judge(self._began, end))
        if quiet < self._limit:
            return None
        self.speaking = False
        return SpeechEnd(self._loud_end, end)

    def _resume(self, end: int) -> None:
        self._loud_end = end
        if self._judged:
            self._judged = False
            self._limit = self._silence

    def _samples(self, duration_ms: float) -> int:
        return round(duration_ms * self._rate_hz / 1000)
