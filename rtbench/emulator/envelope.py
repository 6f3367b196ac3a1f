"""The envelope of a signal: its loudness over time, and the runs of speech in it."""

from __future__ import annotations

from rtbench.core import pcm
from rtbench.core.pcm import Levels, Samples

HOP_MS = 10
"""Windows are three hops long, 30 ms: enough that an onset looks alike wherever it falls on the grid."""

LOUD_DBFS = -46.0
"""The level at which the VAD's speech ends, at the default threshold: turns are cut where it is quiet by this measure."""

LOUD = pcm.amplitude(LOUD_DBFS)
"""The same as an RMS in units of the least significant bit, as levels are."""

Run = tuple[int, int]
"""Windows of speech, from the first to before the last."""


def envelope(samples: Samples, rate_hz: int) -> Levels:
    """RMS in windows of three hops, put together from those of one hop, which is quicker than windows that overlap."""
    hop = rate_hz * HOP_MS // 1000
    energies = pcm.window_levels(samples, hop, hop) ** 2
    levels: Levels = ((energies[:-2] + energies[1:-1] + energies[2:]) / 3) ** 0.5
    return levels


def loud_runs(levels: Levels, min_pause_windows: int) -> list[Run]:
    """Stretches of speech with no pause of so many windows in them."""
    runs: list[Run] = []
    for window, loud in enumerate((levels > LOUD).tolist()):
        if not loud:
            continue
        if runs and window - runs[-1][1] < min_pause_windows:
            runs[-1] = (runs[-1][0], window + 1)
        else:
            runs.append((window, window + 1))
    return runs
