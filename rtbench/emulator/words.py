"""Words in time: when each word of a clip is spoken, estimated from the clip's labels.

Clips have labels for speech and pauses, not for words; within speech, time is shared out by letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Span = tuple[int, int]
"""Start and end of speech, in nanoseconds from the clip's first sample."""


class Word(NamedTuple):
    """One word, and when it begins."""

    text: str
    start_ns: int


def spoken_spans(speech: Span, holds: Sequence[Span]) -> tuple[Span, ...]:
    """The stretches of speech between a clip's pauses."""
    edges = [speech[0], *(edge for hold in holds for edge in hold), speech[1]]
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def spoken_words(text: str, spans: Sequence[Span]) -> tuple[Word, ...]:
    """The words of a text spread over stretches of speech, each taking time by its letters and the gap after it."""
    words = text.split()
    letters = sum(len(word) + 1 for word in words)
    total_ns = sum(end - start for start, end in spans)
    placed, said = [], 0
    for word in words:
        placed.append(Word(word, _instant(spans, total_ns * said // letters)))
        said += len(word) + 1
    return tuple(placed)


def _instant(spans: Sequence[Span], spoken_ns: int) -> int:
    """When so much of the speech is over, pauses left out of the count."""
    for start, end in spans:
        if spoken_ns < end - start:
            return start + spoken_ns
        spoken_ns -= end - start
    return spans[-1][1] if spans else 0
