"""The SLOs of a capacity search against the load, with the knee."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.capacity_step import StepResult
from rtbench.report.figures.canvas import BLUE, GREEN, MUTED, THOUSANDS, VERMILLION, new_figure
from rtbench.scenario.threshold import Threshold

TITLE = "SLOs against load"
CAPTION = (
    "Each mark is one load, held until the statistic could be told: round where the SLO held, a cross where it broke. "
    "The dashed line is the limit; a cross at the upper edge is a wait that never ended. The green band is the "
    "capacity and its margin: to its right the service breaks."
)
PANEL_IN = 2.4


def draw(result: CapacityResult) -> Figure | None:
    """The figure; None where no SLO could be told at any load."""
    steps = result.by_level
    told = [slo for slo in result.slos if any(_value(step, slo) is not None for step in steps)]
    if not told:
        return None
    figure = new_figure(height_in=0.7 + PANEL_IN * len(told))
    for place, slo in enumerate(told, start=1):
        axes = figure.add_subplot(len(told), 1, place)
        _panel(axes, result, steps, slo)
        axes.set_title(str(slo), loc="left", fontsize=9)
        if place == len(told):
            axes.set_xlabel(result.unit)
    return figure


def mark_knee(axes: Axes, result: CapacityResult) -> None:
    """The band of the capacity and its margin, where there is one."""
    found = result.found
    if found.ending == "edge" and found.level is not None:
        axes.axvspan(
            found.level - found.margin, found.level + found.margin, color=GREEN, alpha=0.15, linewidth=0
        )
        axes.axvline(found.level, color=GREEN, linewidth=1.2)


def _panel(axes: Axes, result: CapacityResult, steps: list[StepResult], slo: Threshold) -> None:
    points = [
        (step.level, value, slo.holds(value)) for step in steps if (value := _value(step, slo)) is not None
    ]
    finite = [value for _, value, _ in points if math.isfinite(value)]
    top = 1.15 * max([*finite, slo.limit])
    drawn = [(level, min(value, top), holds) for level, value, holds in points]
    mark_knee(axes, result)
    levels = sorted({level for level, _, _ in drawn})
    medians = [float(np.median([value for at, value, _ in drawn if at == level])) for level in levels]
    axes.plot(levels, medians, color=BLUE, linewidth=1.2, alpha=0.7)
    for holds, marker, colour in ((True, "o", BLUE), (False, "x", VERMILLION)):
        some = [(level, value) for level, value, held in drawn if held is holds]
        if some:
            axes.plot(*zip(*some, strict=True), marker, color=colour, markersize=6)
    axes.axhline(slo.limit, color=MUTED, linestyle="--", linewidth=1.2)
    axes.set_xlim(left=0)
    if slo.statistic == "rate":
        axes.set_ylim(min(0.9, *(value for _, value, _ in drawn), slo.limit) - 0.02, 1.02)
    else:
        axes.set_ylim(0, top * 1.03)
        axes.yaxis.set_major_formatter(THOUSANDS)


def _value(step: StepResult, slo: Threshold) -> float | None:
    return next((each.actual for each in step.slos if each.threshold == slo), None)
