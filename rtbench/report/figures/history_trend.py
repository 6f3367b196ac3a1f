"""The trend of nightly runs: one line per figure, with the levels between its changes."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.history import History, Trend
from rtbench.report.figures.canvas import BLUE, GREEN, INK, ORANGE, VERMILLION, new_figure

TITLE = "Night by night"
CAPTION = (
    "Each dot is a run; a square one was SUSPECT. The level line is the mean between two changes; an upright line marks the "
    "first run of a new level, red and dashed where it is worse, green and dotted where it is better. Changes are those "
    "that hardly any order of the same nights would show (E-divisive means, 1%); runs that are INVALID are left out."
)
MOST_ROWS = 6


def draw(history: History) -> Figure | None:
    """The figure; None where no run has a figure to show."""
    trends = [trend for trend in history.trends if len(trend.nights) > 1][:MOST_ROWS]
    if not trends:
        return None
    figure = new_figure(height_in=0.7 + 1.75 * len(trends), width_in=8.4)
    first: Axes | None = None
    for row, trend in enumerate(trends):
        axes = figure.add_subplot(len(trends), 1, row + 1, sharex=first)
        first = first or axes
        _trend(axes, trend)
        if row < len(trends) - 1:
            axes.tick_params(labelbottom=False)
    assert first is not None
    figure.autofmt_xdate(rotation=30)
    return figure


def _trend(axes: Axes, trend: Trend) -> None:
    times: list[Any] = [datetime.fromisoformat(night.time) for night in trend.nights]
    axes.plot(times, trend.values, "-", color=BLUE, linewidth=0.8, alpha=0.5)
    for verdict, marker, colour in (("VALID", "o", BLUE), ("SUSPECT", "s", ORANGE)):
        there = [place for place, night in enumerate(trend.nights) if night.verdict == verdict]
        axes.plot([times[place] for place in there], [trend.values[place] for place in there], marker,
                  color=colour, markersize=4, linestyle="none")  # fmt: skip
    edges = [0, *(change.index for change in trend.changes), len(times)]
    for start, end in pairwise(edges):
        level = sum(trend.values[start:end]) / (end - start)
        axes.plot([times[start], times[end - 1]], [level, level], color=INK, linewidth=1.2)
    for change in trend.changes:
        worse = trend.is_worse(change)
        axes.axvline(
            times[change.index], color=VERMILLION if worse else GREEN, linestyle="--" if worse else ":",
            gid=f"{trend.name} {change.index}",
        )  # fmt: skip
    axes.set_title(trend.name, fontsize=9, loc="left")
