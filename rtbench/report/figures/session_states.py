"""The life of sessions as lanes: connecting, connected, disconnected, and in writing."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rtbench.report.figures.canvas import BLUE, ORANGE, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "States of sessions"
CAPTION = (
    "One lane per session, of those that lost a connection, the longest without one first; at most 40. Without "
    "a bar the session had not begun, or was over."
)
MAX_LANES = 40
SKY = "#56b4e9"
LOOKS = {
    "connecting": (ORANGE, "connecting", ""),
    "connected": (BLUE, "connected", ""),
    "disconnected": (VERMILLION, "disconnected", "//"),
    "in writing": (SKY, "connected, in writing", ".."),
}


def draw(run: Run) -> Figure | None:
    if "states" not in run.sessions:
        return None
    troubled = run.sessions[
        run.sessions["redials"].fillna(0).gt(0) | run.sessions["rotations"].fillna(0).gt(0)
    ]
    if troubled.empty:
        return None
    worst = troubled.sort_values(["down_ns", "session"], ascending=[False, True]).head(MAX_LANES)
    start_ns = int(run.sessions["planned_ns"].min())
    figure, axes = new_axes(height_in=1.6 + 0.17 * len(worst))
    shown = set()
    for lane, written in enumerate(worst["states"]):
        states = json.loads(written or "[]")
        for state, after in pairwise(states):
            name = "in writing" if state["in_writing"] and state["state"] == "connected" else state["state"]
            if name not in LOOKS:
                continue
            shown.add(name)
            colour, _, hatch = LOOKS[name]
            begin_s, end_s = ((change["at_ns"] - start_ns) / 1e9 for change in (state, after))
            axes.barh(
                lane,
                max(end_s - begin_s, 0.02),
                left=begin_s,
                height=0.75,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
            )
    axes.set_yticks(np.arange(len(worst)), worst["session"], fontsize=7)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("seconds since the first call")
    axes.legend(
        handles=[
            Patch(facecolor=LOOKS[n][0], hatch=LOOKS[n][2], label=LOOKS[n][1]) for n in LOOKS if n in shown
        ],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=4,
    )
    return figure
