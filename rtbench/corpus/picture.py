"""A clip on a terminal: how loud it is over time, and where its labels lie."""

from __future__ import annotations

import math
from itertools import pairwise

from rtbench.core import pcm
from rtbench.core.pcm import Samples
from rtbench.corpus.manifest import ClipEntry

WIDTH = 80
BARS = " ▁▂▃▄▅▆▇█"
LOWEST_DBFS = -60.0
"""What is no louder is drawn as nothing; rooms are that quiet."""

SPEECH, HOLD, OUTSIDE = "━", "·", " "


def draw(entry: ClipEntry, samples: Samples, rate_hz: int, width: int = WIDTH) -> list[str]:
    """Lines of a clip, at most `width` wide: loudness, labels, and instants in seconds below them.

    A column shows the loudest 10 ms window in it. `━` is speech, `·` a pause within it.
    """
    columns = max(1, min(width, len(samples) * 100 // rate_hz))
    edges = [len(samples) * column // columns for column in range(columns + 1)]
    bars = [_bar(samples[start:end], rate_hz) for start, end in pairwise(edges)]
    middles = [(start + end) // 2 for start, end in pairwise(edges)]
    lines = ["".join(bars).rstrip(), "".join(_label(entry, middle) for middle in middles).rstrip()]
    return [*lines, _scale(len(samples) / rate_hz, columns, width)]


def _bar(samples: Samples, rate_hz: int) -> str:
    levels = pcm.window_levels(samples, min(rate_hz // 100, max(1, len(samples))), max(1, rate_hz // 200))
    loudest = float(levels.max()) if levels.size else 0.0
    if loudest <= pcm.amplitude(LOWEST_DBFS):
        return BARS[0]
    share = 1 - 20 * math.log10(loudest / pcm.FULL_SCALE) / LOWEST_DBFS
    return BARS[min(len(BARS) - 1, 1 + int(share * (len(BARS) - 1)))]


def _label(entry: ClipEntry, sample: int) -> str:
    if not entry.speech.start <= sample < entry.speech.end:
        return OUTSIDE
    return HOLD if any(hold.start <= sample < hold.end for hold in entry.holds) else SPEECH


def _scale(seconds: float, columns: int, width: int) -> str:
    end = f"{seconds:.2f} s"
    return "0" + end.rjust(max(columns, len(end) + 2, 0) - 1)[: width - 1]
