"""The recognizer: tells what was said, by knowing the corpus rather than language.

What a caller plays is compared with every known recording, by its envelope (normalised correlation),
so it works on decoded G.711 as well as on PCM. A turn may be a whole recording, a part between two
pauses, or several one after the other. Speech that is not of the corpus is not recognised, and no
words are made up for it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rtbench.core.pcm import Levels, Samples
from rtbench.emulator.completeness import Completeness, KnownUtterances
from rtbench.emulator.envelope import HOP_MS, Run, envelope, loud_runs
from rtbench.emulator.recording import Recording
from rtbench.emulator.words import Word, spoken_words

MIN_PAUSE_WINDOWS = 10
"""Quiet for 100 ms separates runs of speech; the shortest silence that ends a turn is longer."""

LENGTH_TOLERANCE_WINDOWS = 3
LIKENESS = 0.92
"""In the English corpus the same recording correlates above 0.94 after G.711 and on another grid, two
different ones of more than 0.4 s below 0.91; among shorter words, which look alike, the likest is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class _Passage:
    """A stretch of a recording between two pauses, and its words."""

    levels: Levels
    text: str


class Recognizer:
    """Knows recordings at one or more sample rates."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        rates = {rate for recording in recordings for rate in recording.samples}
        self._passages = {rate: _index(recordings, rate) for rate in rates}
        self._lengths = {
            rate: [len(passage.levels) for passage in found] for rate, found in self._passages.items()
        }
        self._utterances = {rate: KnownUtterances(recordings, rate) for rate in rates}

    def completeness(self, samples: Samples, rate_hz: int) -> Completeness:
        """Whether what was said so far is all of a recording, or breaks off inside one."""
        known = self._utterances.get(rate_hz)
        return Completeness.UNKNOWN if known is None else known.completeness(samples)

    def recognize(self, samples: Samples, rate_hz: int) -> str | None:
        """The words of a turn, None where any of it is unknown or nothing was said."""
        levels = envelope(samples, rate_hz)
        runs = loud_runs(levels, MIN_PAUSE_WINDOWS)
        words: list[str] = []
        at = 0
        while at < len(runs):
            end = next(
                (end for end in range(len(runs), at, -1) if self._add(words, levels, runs[at:end], rate_hz)),
                0,
            )
            if not end:
                return None
            at = end
        return " ".join(filter(None, words)) or None

    def _add(self, words: list[str], levels: Levels, runs: Sequence[Run], rate_hz: int) -> bool:
        passage = self._find(levels, (runs[0][0], runs[-1][1]), rate_hz)
        if passage is None:
            return False
        words.append(passage.text)
        return True

    def _find(self, levels: Levels, run: Run, rate_hz: int) -> _Passage | None:
        """The passage most like this run, if it is like enough."""
        start, end = run
        lengths = self._lengths.get(rate_hz, [])
        low = bisect_left(lengths, end - start - LENGTH_TOLERANCE_WINDOWS)
        high = bisect_left(lengths, end - start + LENGTH_TOLERANCE_WINDOWS + 1)
        best, best_likeness = None, LIKENESS
        for passage in self._passages.get(rate_hz, [])[low:high]:
            for shift in range(-LENGTH_TOLERANCE_WINDOWS, LENGTH_TOLERANCE_WINDOWS + 1):
                likeness = _likeness(levels, start + shift, passage.levels)
                if likeness > best_likeness:
                    best, best_likeness = passage, likeness
        return best


def _index(recordings: Sequence[Recording], rate_hz: int) -> list[_Passage]:
    """All passages, by length."""
    passages = [passage for recording in recordings for passage in _passages(recording, rate_hz)]
    return sorted(passages, key=lambda passage: len(passage.levels))


def _passages(recording: Recording, rate_hz: int) -> Iterator[_Passage]:
    if rate_hz not in recording.samples:
        return
    levels = envelope(recording.samples[rate_hz], rate_hz)
    runs = loud_runs(levels, MIN_PAUSE_WINDOWS)
    words = spoken_words(recording.text, recording.spans)
    for first, (start, _) in enumerate(runs):
        for last, (_, end) in enumerate(runs[first:], first):
            # A word's estimated start may lie in the pause before it: it belongs to the run that follows.
            after = runs[first - 1][1] if first else 0
            before = end if last < len(runs) - 1 else math.inf
            yield _Passage(levels[start:end], _text_between(words, after, before))


def _text_between(words: Sequence[Word], start_window: float, end_window: float) -> str:
    window_ns = HOP_MS * 1_000_000
    return " ".join(word.text for word in words if start_window <= word.start_ns / window_ns < end_window)


def _likeness(levels: Levels, start: int, known: Levels) -> float:
    """Normalised correlation of the levels from `start` on with known ones, as far as both reach."""
    if start < 0:
        known, start = known[-start:], 0
    heard = levels[start : start + len(known)]
    known = known[: len(heard)]
    if not len(heard):
        return 0.0
    a, b = heard - heard.mean(), known - known.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else 0.0
