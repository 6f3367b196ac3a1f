"""The parts of the wait against the load: which of them grows."""

from __future__ import annotations

import math
import statistics

from matplotlib.figure import Figure

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.capacity_step import PARTS
from rtbench.report.figures.canvas import BLUE, GREEN, INK, ORANGE, PURPLE, THOUSANDS, new_axes
from rtbench.report.figures.capacity_slos import mark_knee

TITLE = "Parts of the wait against load"
CAPTION = (
    "Medians of answered turns, stacked: turn detection, the service's answer, silence that it sends first, and the "
    "caller's own player. The part that grows with the load is the one to look into. The line is the single caller "
    "of the reference session: where it stays flat while the others grow, suspect the generator."
)
COLOURS = (ORANGE, BLUE, GREEN, PURPLE)


def draw(result: CapacityResult) -> Figure | None:
    """The figure; None where no answer came at any load."""
    levels = sorted({step.level for step in result.by_level if step.parts_ms})
    if not levels:
        return None
    heights = [
        [
            statistics.median(
                [step.parts_ms.get(part, 0.0) for step in result.by_level if step.level == level]
            )
            for level in levels
        ]
        for part in PARTS
    ]
    figure, axes = new_axes()
    labels = [part.removesuffix("_ms").replace("_", " ") for part in PARTS]
    axes.stackplot(levels, *heights, labels=labels, colors=COLOURS, alpha=0.75)
    reference = sorted(
        (step.level, wait.median_ms)
        for step, wait in zip(result.steps, result.reference, strict=False)
        if wait.median_ms is not None and math.isfinite(wait.median_ms)
    )
    if reference:
        xs, ys = zip(*reference, strict=True)
        axes.plot(xs, ys, "D-", color=INK, markersize=3.5, linewidth=1, label="reference session")
    mark_knee(axes, result)
    axes.set(xlabel=result.unit, ylabel="ms")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure
