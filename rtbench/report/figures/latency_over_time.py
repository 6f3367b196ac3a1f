"""How the wait changed while the run went on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.quantiles import rank_of, samples_needed
from rtbench.core.answers import UNANSWERED
from rtbench.report.figures.canvas import BLUE, INK, MUTED, ORANGE, THOUSANDS, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "Latency over time"
CAPTION = (
    "Every point is a turn, at the moment its user stopped speaking. Lines: median and 95th percentile of "
    "successive groups of equally many turns. Crosses on the upper edge were never answered; open circles are void. A "
    "line that climbs while callers stay as many means that the service tires."
)
MAX_WINDOWS = 60


def draw(run: Run) -> Figure | None:
    turns = run.turns[run.turns["expects_answer"]].sort_values("at_unix_ns")
    if turns.empty:
        return None
    seconds = (turns["at_unix_ns"] - turns["at_unix_ns"].iloc[0]).astype(float) / 1e9
    waits_ms = turns["voice_to_voice_ms"]
    figure, axes = new_axes()
    answered = waits_ms.notna() & ~turns["void"]
    void = waits_ms.notna() & turns["void"]
    size, alpha = (14, 0.45) if len(turns) < 3000 else (5, 0.2)
    axes.scatter(
        seconds[answered],
        waits_ms[answered],
        s=size,
        color=BLUE,
        alpha=alpha,
        linewidth=0,
        rasterized=True,
        label="answered",
    )
    if void.any():
        axes.scatter(
            seconds[void],
            waits_ms[void],
            s=22,
            facecolor="none",
            edgecolor=MUTED,
            rasterized=True,
            label="void",
        )
    _windows(axes, seconds[answered], waits_ms[answered])
    lost = waits_ms.isna() & turns["outcome"].isin(UNANSWERED)
    if lost.any():
        axes.scatter(
            seconds[lost],
            np.full(lost.sum(), 0.985),
            marker="x",
            s=34,
            color=VERMILLION,
            transform=axes.get_xaxis_transform(),
            label="never answered",
        )
    axes.set(xlabel="time since the first turn (s)", ylabel="voice to voice (ms)")
    axes.set_ylim(bottom=min(0.0, float(waits_ms.min())) if waits_ms.notna().any() else 0.0)
    axes.margins(y=0.08)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, columnspacing=1.2, handletextpad=0.4)
    return figure


def _windows(axes: Axes, seconds: pd.Series, waits_ms: pd.Series) -> None:
    """Median and p95 of groups just large enough for a p95, or larger."""
    size = max(samples_needed(0.95), -(-len(waits_ms) // MAX_WINDOWS))
    groups = len(waits_ms) // size
    if groups < 2:
        return
    kept = groups * size
    middles = np.median(seconds.to_numpy()[:kept].reshape(groups, size), axis=1)
    ordered = np.sort(waits_ms.to_numpy()[:kept].reshape(groups, size), axis=1)
    axes.plot(middles, ordered[:, rank_of(0.5, size)], color=INK, label="median")
    axes.plot(middles, ordered[:, rank_of(0.95, size)], color=ORANGE, linestyle="--", label="p95")
