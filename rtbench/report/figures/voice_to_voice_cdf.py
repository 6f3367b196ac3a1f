"""How long callers waited, all turns at once: the distribution of `voice_to_voice_ms`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.quantiles import Floats, quantiles
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


def draw(run: Run) -> Figure | None:
    measured = sample("voice_to_voice_ms", Rows.of(run))
    answered = np.sort(measured.values[np.isfinite(measured.values)])
    if not len(answered):
        return None
    figure, axes = new_axes()
    ranks = np.unique(np.linspace(0, len(answered) - 1, min(len(answered), POINTS)).astype(int))
    axes.step(answered[ranks], (ranks + 1) / measured.n * 100, where="post", color=BLUE)
    right = _right_edge(axes, answered)
    for found in quantiles(measured.values, measured.sessions, (0.5, 0.95, 0.99)):
        if found.value is not None and found.value <= right:
            _mark(axes, found.q, found.value, right)
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


def _mark(axes: Axes, q: float, value: float, right: float) -> None:
    axes.plot([value, value], [0, q * 100], color=INK, linewidth=0.9, linestyle=(0, (3, 3)))
    axes.plot(value, q * 100, "o", color=INK, markersize=4)
    near_edge = value > right * 0.8
    axes.annotate(
        f"p{q * 100:g}  {value:,.0f} ms",
        (value, {0.5: 50, 0.95: 34, 0.99: 18}[q]),
        xytext=(-6 if near_edge else 6, 0),
        textcoords="offset points",
        ha="right" if near_edge else "left",
        va="center",
        backgroundcolor=(1, 1, 1, 0.75),
    )


def _right_edge(axes: Axes, answered: Floats) -> float:
    """Cut a far tail off the axis, and say how much of it."""
    left, last = min(0.0, float(answered[0])), float(answered[-1])
    edge = float(answered[int(0.995 * (len(answered) - 1))]) * 1.5
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
