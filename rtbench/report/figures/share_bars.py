"""Horizontal bars of shares, each with its n and its interval where there is one."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.rates import MIN_SAMPLES, Rate
from rtbench.report.figures.canvas import INK, MUTED, new_axes


def draw_shares(shares: Mapping[str, Rate], colour: str, xlabel: str) -> Figure:
    """A bar for each rate, in the order given from the top; one of too few has no bar, and says so."""
    figure, axes = new_axes(height_in=1.3 + 0.42 * len(shares))
    for place, found in enumerate(shares.values()):
        _bar(axes, place, found, colour)
    labels = [f"{name}\nn={found.n:,}" for name, found in shares.items()]
    axes.set_yticks(range(len(shares)), labels)
    axes.set(xlim=(0, 118), xlabel=xlabel, xticks=range(0, 101, 20))
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return figure


def _bar(axes: Axes, place: int, found: Rate, colour: str) -> None:
    if found.value is None or found.low is None or found.high is None:
        axes.text(1, place, f"too few to tell (needs {MIN_SAMPLES})", color=MUTED, va="center", fontsize=9)
        return
    share, low, high = (100 * value for value in (found.value, found.low, found.high))
    axes.barh(place, share, height=0.55, color=colour)
    axes.errorbar(
        share,
        place,
        xerr=[[max(share - low, 0)], [max(high - share, 0)]],
        color=INK,
        capsize=3,
        linewidth=1,
        linestyle="none",
    )
    axes.text(max(high, share) + 1.5, place, f"{share:.1f}%", va="center", fontsize=9)
