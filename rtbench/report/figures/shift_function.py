"""The shift function of a comparison: how much each part of the distribution of waits moved."""

from __future__ import annotations

from matplotlib.figure import Figure

from rtbench.analysis.compare import Comparison
from rtbench.report.figures.canvas import BLUE, INK, MUTED, SKY, THOUSANDS, new_axes

TITLE = "How the waits moved"
CAPTION = (
    "From left to right the deciles of voice_to_voice_ms and its 95th percentile, each at the wait that it was in the "
    "base; upwards by how much it became longer in the run. A flat line above 0 means that every turn became slower by "
    "as much; one that rises to the right, that the slow turns did. The band holds for the whole line at once in 95% of "
    "all cases: where it lies on one side of 0, that part of the turns moved."
)


def draw(comparison: Comparison) -> Figure | None:
    """The figure; None where there are too few turns or sessions for any point of it."""
    points = comparison.shift
    if not points:
        return None
    figure, axes = new_axes(height_in=4.0, width_in=8.4)
    waits = [point.base for point in points]
    axes.axhline(0, color=INK, linewidth=1)
    axes.fill_between(
        waits,
        [point.low for point in points],
        [point.high for point in points],
        color=SKY,
        alpha=0.35,
        linewidth=0,
        label="95% band",
    )
    axes.plot(
        waits, [point.difference for point in points], "o-", color=BLUE, markersize=5, label="run - base"
    )
    for point in points:
        if point.q in (0.1, 0.5, 0.9, 0.95):
            axes.annotate(
                f"p{100 * point.q:g}",
                (point.base, point.difference),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=MUTED,
            )
    axes.set(xlabel="wait in the base (ms)", ylabel="longer in the run by (ms)")
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="best")
    return figure
