"""Goodput against the load, with what was lost and what it cost."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from matplotlib.figure import Figure

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.capacity_step import StepResult
from rtbench.report.figures.canvas import BLUE, MUTED, ORANGE, THOUSANDS, VERMILLION, new_figure
from rtbench.report.figures.capacity_slos import mark_knee

TITLE = "Goodput, errors and cost against load"
CAPTION = (
    "Goodput: turns per second that were answered within the limits. While the service keeps up it grows with the load; "
    "where it bends away from all turns, or falls, more load only makes more callers wait. Below, turns and "
    "sessions lost per minute, and what the load costs per hour where sessions have a price."
)


def draw(result: CapacityResult) -> Figure | None:
    """The figure; None where there was no step."""
    steps = result.by_level
    if not steps:
        return None
    costs = any(step.cost_usd_per_hour is not None for step in steps)
    figure = new_figure(height_in=5.6 if costs else 4.2)
    upper, lower, *rest = figure.subplots(3 if costs else 2, 1, sharex=True)
    levels = sorted({step.level for step in steps})

    def medians(value: Callable[[StepResult], float]) -> list[float]:
        return [statistics.median([value(step) for step in steps if step.level == level]) for level in levels]

    upper.plot(
        levels, medians(lambda step: step.turns_per_s), "s--", color=MUTED, markersize=4, label="all turns"
    )
    upper.plot(
        levels, medians(lambda step: step.goodput_per_s), "o-", color=BLUE, markersize=5, label="goodput"
    )
    upper.set_ylabel("turns per second")
    upper.set_ylim(bottom=0)
    upper.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    lost = medians(lambda step: 60 * sum(step.errors.values()) / step.seconds if step.seconds else 0.0)
    lower.plot(levels, lost, "x-", color=VERMILLION, markersize=5)
    lower.set_ylabel("lost per minute")
    lower.set_ylim(0, max(1.0, max(lost) * 1.1))
    for axes in rest:
        axes.plot(
            levels, medians(lambda step: step.cost_usd_per_hour or 0.0), "^-", color=ORANGE, markersize=5
        )
        axes.set_ylabel("USD per hour")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(THOUSANDS)
    for axes in (upper, lower, *rest):
        mark_knee(axes, result)
        axes.set_xlim(left=0)
    (rest or [lower])[-1].set_xlabel(result.unit)
    return figure
