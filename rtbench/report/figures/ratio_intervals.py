"""The ratios of a comparison with their intervals and margins: at a glance, what regressed."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from rtbench.analysis.bootstrap import Interval
from rtbench.analysis.compare import Comparison
from rtbench.analysis.compare_metric import Change, MetricComparison
from rtbench.report.figures.canvas import BLUE, INK, MUTED, ORANGE, VERMILLION, new_axes

TITLE = "Run against base"
CAPTION = (
    "Each line is a percentile: the point its ratio, run over base, the bar the 95% interval. The short upright stroke is "
    "the margin. A bar that lies to the right of its stroke is a regression, one to the left of it is none; a bar across "
    "it cannot be told."
)
COLOURS = {Change.REGRESSED: VERMILLION, Change.OK: BLUE, Change.INCONCLUSIVE: ORANGE}
MARKERS = {Change.REGRESSED: "X", Change.OK: "o", Change.INCONCLUSIVE: "s"}


def draw(comparison: Comparison) -> Figure | None:
    """The figure; None where no figure of the comparison has a finite ratio."""
    placed = [
        (metric, ratio) for metric in comparison.metrics if (ratio := _finite(metric.ratio)) is not None
    ]
    if not placed:
        return None
    figure, axes = new_axes(height_in=1.3 + 0.45 * len(placed), width_in=8.4)
    axes.axvline(1, color=INK, linewidth=1)
    for place, (metric, ratio) in enumerate(reversed(placed)):
        colour = COLOURS[metric.change]
        axes.plot([ratio.low, ratio.high], [place, place], color=colour, linewidth=2)
        axes.plot(
            ratio.estimate, place, MARKERS[metric.change], color=colour, markersize=8, gid=str(metric.gate)
        )
        edge = _edge(metric)
        if edge is not None:
            axes.plot([edge, edge], [place - 0.3, place + 0.3], color=MUTED, linewidth=1.5)
    axes.set_yticks(range(len(placed)), [str(metric.gate) for metric, _ in reversed(placed)])
    axes.set_ylim(-0.7, len(placed) - 0.3)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value - 1:+.0%}"))
    axes.set_xlabel("change against the base")
    return figure


def _finite(ratio: Interval | None) -> Interval | None:
    there = ratio is not None and max(abs(ratio.low), abs(ratio.high), abs(ratio.estimate)) < float("inf")
    return ratio if there else None


def _edge(metric: MetricComparison) -> float | None:
    if metric.margin is None or not metric.base:
        return None
    return 1 + metric.margin / metric.base
