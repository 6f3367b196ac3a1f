"""The operating points of a sweep: silence after the caller's turn against cutting the caller off."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.sweep import PointResult, frontier
from rtbench.report.figures.canvas import BLUE, INK, MUTED, ORANGE, THOUSANDS, new_axes

TITLE = "Dead air against false cut-offs"
CAPTION = (
    "Each point is one setting: to the right callers wait longer in silence after they have finished, upwards they are "
    "cut off more often in a pause. Down and left is better. The line joins the points that no other beats in both; "
    "choose among them by what your callers mind more, and leave those off the line. A dot stands at the median "
    "dead air, the thin line to its right reaches to the 95th percentile; upright bars are 95% intervals."
)
MOST_LABELS = 20
"""Beyond as many points labels would cover each other: then only the frontier has them."""


def draw(results: Sequence[PointResult]) -> Figure | None:
    """The figure; None where no point has both dead air and false cut-offs."""
    placed = [result for result in results if result.operating_point is not None]
    if not placed:
        return None
    best = frontier(placed)
    figure, axes = new_axes(height_in=4.6, width_in=8.4)
    line = [result.operating_point for result in best if result.operating_point is not None]
    axes.plot(
        [x for x, _ in line],
        [100 * y for _, y in line],
        color=ORANGE,
        linestyle="--",
        label="frontier",
        zorder=1,
    )
    numbers = {result.point.number for result in best}
    for result in placed:
        on_frontier = result.point.number in numbers
        _point(axes, result, on_frontier, labelled=on_frontier or len(placed) <= MOST_LABELS)
    axes.set(xlabel="dead air after the caller's turn (ms)", ylabel="hold pauses cut off (%)")
    axes.margins(x=0.22, y=0.12)
    axes.autoscale_view()
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="upper right")
    return figure


def _point(axes: Axes, result: PointResult, on_frontier: bool, labelled: bool) -> None:
    if result.operating_point is None or result.dead_air is None:
        return
    dead_air_ms, share = result.operating_point
    rate, p95 = result.false_cutoffs, result.dead_air.p95.value
    colour = BLUE if on_frontier else MUTED
    percent = 100 * share
    if rate.low is not None and rate.high is not None:
        reach = [[max(percent - 100 * rate.low, 0)], [max(100 * rate.high - percent, 0)]]
        axes.errorbar(
            dead_air_ms, percent, yerr=reach, color=colour, linewidth=1, capsize=2, linestyle="none"
        )
    if p95 is not None:
        axes.plot([dead_air_ms, p95], [percent, percent], color=colour, linewidth=1, alpha=0.6)
    axes.plot(
        dead_air_ms,
        percent,
        "o" if on_frontier else "s",
        color=colour,
        markersize=7 if on_frontier else 5,
        gid=result.point.label,
    )
    if labelled:
        axes.annotate(
            result.point.label,
            (dead_air_ms, percent),
            xytext=(7, 6),
            textcoords="offset points",
            fontsize=8,
            color=INK if on_frontier else MUTED,
        )
