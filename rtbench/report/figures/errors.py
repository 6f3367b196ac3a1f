"""What went wrong, by class."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rtbench.analysis.errors import count_errors
from rtbench.report.figures.canvas import BLUE, ORANGE, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "Errors by class"
CAPTION = (
    "For each class of error: how often it was met in a session, how many turns it ended, and how many whole "
    "sessions. One mishap can count in all three, so bars are to be compared, not added."
)
MAX_CLASSES = 12


def draw(run: Run) -> Figure | None:
    counts = count_errors(run.turns, run.sessions)
    classes = counts.classes[:MAX_CLASSES]
    if not classes:
        return None
    figure, axes = new_axes(height_in=1.4 + 0.55 * len(classes))
    places = np.arange(len(classes))
    series = (
        ("met in a session", counts.reported, BLUE, ""),
        ("ended a turn", counts.turns, ORANGE, "//"),
        ("ended a session", counts.sessions, VERMILLION, "xx"),
    )
    for offset, (label, by_class, colour, hatch) in enumerate(series):
        widths = [by_class.get(name, 0) for name in classes]
        bars = axes.barh(
            places + (offset - 1) * 0.26,
            widths,
            height=0.24,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=label,
        )
        axes.bar_label(bars, [f"{width:,}" if width else "" for width in widths], padding=3, fontsize=8)
    axes.set_yticks(places, classes)
    axes.set_xlabel("count")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure
