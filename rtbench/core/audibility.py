"""What can be heard in a signal: where sound starts and stops. Bytes are not sound; agents send leading silence.

A window is loud when its RMS, its mean removed, is above -40 dBFS; windows are 10 ms long and 1 ms
apart. A span of sound starts at the first sample of the first of at least 50 loud windows in a row,
that is where loudness lasts 50 ms, and ends with the last sample of the last loud window before 50 ms
in which no loud window lies. An abrupt onset is thus dated up to 9 ms early, a soft one less.
"""

from __future__ import annotations

from typing import NamedTuple

from rtbench.core.pcm import LevelMeter, Samples, amplitude

AUDIBLE_DBFS = -40.0
WINDOW_MS = 10
HOP_MS = 1
MIN_SOUND_MS = 50
"""Twice a typical click; shorter than any syllable."""

MIN_SILENCE_MS = 50


class AudibleSpan(NamedTuple):
    """Sound from sample `start` to before sample `end`."""

    start: int
    end: int


class AudibleSpans:
    """Finds the spans of sound in a stream that comes in pieces of any size."""

    def __init__(self, rate_hz: int) -> None:
        self._window = rate_hz * WINDOW_MS // 1000
        self._hop = rate_hz * HOP_MS // 1000
        self._min_sound = rate_hz * MIN_SOUND_MS // 1000
        self._min_silence = rate_hz * MIN_SILENCE_MS // 1000
        self._meter = LevelMeter(self._window, self._hop)
        self._loud = amplitude(AUDIBLE_DBFS)
        self._next_start = 0
        self._run_start: int | None = None
        self._run_end = 0
        self._audible = False

    @property
    def open_start(self) -> int | None:
        """Start of the span that goes on, None in silence."""
        return self._run_start if self._audible else None

    def feed(self, samples: Samples) -> list[AudibleSpan]:
        """Listen to the next samples; the spans that are now known to be over."""
        closed: list[AudibleSpan] = []
        for loud in (self._meter.feed(samples) > self._loud).tolist():
            start = self._next_start
            self._next_start = following = start + self._hop
            if loud:
                if self._run_start is None:
                    self._run_start = start
                self._run_end = start + self._window
                self._audible = self._audible or following - self._run_start >= self._min_sound
            elif not self._audible:
                self._run_start = None
            elif following - self._run_end >= self._min_silence:
                closed += self.finish()
        return closed

    def finish(self) -> list[AudibleSpan]:
        """The stream ends, or is cut here: the span that was going on, if any, ends with its last loud window."""
        start, self._run_start = self.open_start, None
        self._audible = False
        return [] if start is None else [AudibleSpan(start, self._run_end)]


def audible_spans(samples: Samples, rate_hz: int) -> list[AudibleSpan]:
    """All spans of sound in a whole signal."""
    spans = AudibleSpans(rate_hz)
    return spans.feed(samples) + spans.finish()


class AudibilityDetector:
    """Finds the first audible sample of a stream, and can then be spared the rest."""

    __slots__ = ("_spans", "first_audible_sample")

    def __init__(self, rate_hz: int) -> None:
        self._spans = AudibleSpans(rate_hz)
        self.first_audible_sample: int | None = None
        """Position of the first audible sample, counted from the first one fed; None as long as it is not known."""

    @property
    def finished(self) -> bool:
        """Nothing more is to be learned: callers may stop decoding."""
        return self.first_audible_sample is not None

    def feed(self, samples: Samples) -> None:
        """Listen to the next samples."""
        if self.finished:
            return
        closed = self._spans.feed(samples)
        self.first_audible_sample = closed[0].start if closed else self._spans.open_start
