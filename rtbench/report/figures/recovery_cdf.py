"""How long outages lasted, as shares of all of them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from rtbench.report import notation
from rtbench.report.figures.canvas import BLUE, ORANGE, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "Recovery from outages"
CAPTION = (
    "Share of the outages that had reached each stage so long after the drop: a new session, the session restored, the "
    "next answer audible. The caller's own next utterance comes before that answer, and its length is in the last curve. A "
    "curve that stays below 100% leaves callers who never got there."
)

STAGES = (
    ("new session", "reconnect_ms", BLUE, "-"),
    ("restored", "restore_ms", ORANGE, "--"),
    ("next answer audible", "recovery_ms", VERMILLION, "-."),
)


def draw(run: Run) -> Figure | None:
    if run.incidents.empty:
        return None
    outages = run.incidents[run.incidents["kind"].ne("rotation")]
    if outages[[column for _, column, *_ in STAGES]].isna().all(axis=None):
        return None
    figure, axes = new_axes()
    for label, column, colour, style in STAGES:
        waits = np.sort(outages[column].dropna().to_numpy(float)) / 1000
        if len(waits):
            shares = 100 * np.arange(1, len(waits) + 1) / len(outages)
            axes.step(
                [0, *waits, waits[-1]],
                [0, *shares, shares[-1]],
                where="post",
                color=colour,
                linestyle=style,
                label=f"{label} ({len(waits):,})",
            )
    axes.set_xlabel("seconds since the drop")
    axes.set_ylabel(f"% of {notation.counted(len(outages), 'outage')}")
    axes.set_ylim(0, 103)
    axes.set_xlim(left=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(STAGES))
    return figure
