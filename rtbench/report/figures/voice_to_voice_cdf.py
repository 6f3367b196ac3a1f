"""How long callers waited, all turns at once: the distribution of `voice_to_voice_ms`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.quantiles import Floats, quantiles, rank_of
from rtbench.analysis.samples import Rows, sample
from rtbench.report.figures.canvas import BLUE, INK, MUTED, THOUSANDS, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "How long callers waited"
CAPTION = (
    "For every wait on the horizontal axis, the share of turns answered within it. Steep is steady, a long "
    "foot to the right is a few callers who waited far longer. Turns that were never answered count: the curve "
    "ends below 100% by their share."
)
POINTS = 2000
"""As many steps as can be seen; the curve of 100,000 turns has no more."""

MARKERS = {0.5: "o", 0.95: "s", 0.99: "D"}
"""Of the percentiles."""


def draw(run: Run) -> Figure | None:
    measured = sample("voice_to_voice_ms", Rows.of(run))
    answered = np.sort(measured.values[np.isfinite(measured.values)])
    if not len(answered):
        return None
    figure, axes = new_axes()
    ranks = np.unique(np.linspace(0, len(answered) - 1, min(len(answered), POINTS)).astype(int))
    axes.step(answered[ranks], (ranks + 1) / measured.n * 100, where="post", color=BLUE)
    right = _right_edge(axes, answered)
    for found in quantiles(measured.values, measured.sessions, tuple(MARKERS)):
        if found.value is not None and found.value <= right:
            _mark(axes, found.q, found.value)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(MARKERS))
    if measured.unanswered:
        top = len(answered) / measured.n * 100
        axes.axhspan(top, 100, color=VERMILLION, alpha=0.12, linewidth=0)
        share = measured.unanswered / measured.n
        axes.text(
            0.01,
            top - 2,
            f"{share:.1%} never answered",
            color=VERMILLION,
            va="top",
            transform=axes.get_yaxis_transform(),
        )
    axes.set(
        xlabel="end of the user's speech to audible answer (ms)", ylabel="turns answered (%)", ylim=(0, 102)
    )
    axes.xaxis.set_major_formatter(THOUSANDS)
    return figure


def _mark(axes: Axes, q: float, value: float) -> None:
    """The percentile is named above the axes: beside its point a name would lie on the curve."""
    axes.plot([value, value], [0, q * 100], color=INK, linewidth=0.9, linestyle=(0, (3, 3)))
    label = f"p{q * 100:g}  {value:,.0f} ms"
    axes.plot(value, q * 100, MARKERS[q], color=INK, markersize=5, linestyle="none", label=label)


def _right_edge(axes: Axes, answered: Floats) -> float:
    """Cut a far tail off the axis, at most 0.5% of the turns, and say how much of it."""
    left, last = min(0.0, float(answered[0])), float(answered[-1])
    edge = float(answered[rank_of(0.995, len(answered))]) * 1.5
    if not 0 < edge < last:
        edge = last * 1.04 if last > 0 else 1.0
    else:
        beyond = int((answered > edge).sum())
        told = f"{beyond:,} slower, up to {last:,.0f} ms →"
        axes.text(
            0.995, 0.02, told, color=MUTED, ha="right", va="bottom", fontsize=8, transform=axes.transAxes
        )
    axes.set_xlim(left, edge)
    return edge
