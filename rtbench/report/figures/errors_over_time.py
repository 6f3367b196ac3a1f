"""When errors were met, by class, and the retries that came of them."""

from __future__ import annotations

import json

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rtbench.report.figures.canvas import BLUE, ORANGE, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "Errors and retries over time"
CAPTION = (
    "Errors met by callers in each stretch of time, by class, and their attempts to connect again (line): what a "
    "recovering service has to bear beside its work."
)
MAX_CLASSES = 6
BINS = 60
COLOURS = (VERMILLION, ORANGE, BLUE, "#009e73", "#cc79a7", "#56b4e9")
HATCHES = ("", "//", "", "xx", "..", "\\\\")


def draw(run: Run) -> Figure | None:
    if run.mishaps.empty:
        return None
    start_ns = int(run.sessions["planned_ns"].min())
    end_ns = max(int(run.sessions["ended_ns"].max()), int(run.mishaps["at_ns"].max()))
    edges = np.linspace(0, max((end_ns - start_ns) / 1e9, 1.0), BINS + 1)
    figure, axes = new_axes()
    counts = run.mishaps["error_class"].value_counts()
    below = np.zeros(BINS)
    for name, colour, hatch in zip(counts.index[:MAX_CLASSES], COLOURS, HATCHES, strict=False):
        at_s = (run.mishaps[run.mishaps["error_class"].eq(name)]["at_ns"] - start_ns).astype(float) / 1e9
        height, _ = np.histogram(at_s, edges)
        axes.bar(
            edges[:-1],
            height,
            width=np.diff(edges),
            bottom=below,
            align="edge",
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=f"{name} ({counts[name]:,})",
        )
        below += height
    begun = [
        (attempt["begun_ns"] - start_ns) / 1e9
        for written in (run.incidents["attempts"] if len(run.incidents) else [])
        for attempt in json.loads(written or "[]")
        if attempt["begun_ns"] is not None
    ]
    if begun:
        retries, _ = np.histogram(begun, edges)
        axes.step(edges[:-1], retries, where="post", color="#555555", label=f"retries ({len(begun):,})")
    axes.set_xlabel("seconds since the first call")
    axes.set_ylabel(f"per {edges[1] - edges[0]:.1f} s")
    axes.set_xlim(0, edges[-1])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8)
    return figure
