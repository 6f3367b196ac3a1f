"""When errors were met, by class, and the attempts to connect that came of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rtbench.analysis.storms import begun_tries_ns, most_tries_in_a_second
from rtbench.report.figures.canvas import BLUE, ORANGE, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "Errors and attempts to connect over time"
CAPTION = (
    "Errors met by callers in each stretch of time, by class, and their attempts to connect in outages (line): what "
    "a recovering service has to bear beside its work. A first attempt that was refused is one of them."
)
MAX_CLASSES = 6
BINS = 60
COLOURS = (VERMILLION, ORANGE, BLUE, "#009e73", "#cc79a7", "#56b4e9")
HATCHES = ("", "//", "", "xx", "..", "\\\\")


def draw(run: Run) -> Figure | None:
    begun_ns = begun_tries_ns(run.incidents)
    if run.mishaps.empty and not len(begun_ns):
        return None
    start_ns = int(run.sessions["planned_ns"].min())
    met_ns = run.mishaps["at_ns"].tolist() if len(run.mishaps) else []
    end_ns = int(max(run.sessions["ended_ns"].max(), *met_ns, *begun_ns[-1:]))
    edges = np.linspace(0, max((end_ns - start_ns) / 1e9, 1.0), BINS + 1)
    figure, axes = new_axes()
    counts = run.mishaps["error_class"].value_counts() if len(run.mishaps) else pd.Series(dtype=int)
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
    if len(begun_ns):
        attempts, _ = np.histogram((begun_ns - start_ns) / 1e9, edges)
        label = (
            f"attempts to connect ({len(begun_ns):,}, at most {most_tries_in_a_second(begun_ns):,} a second)"
        )
        axes.step(edges[:-1], attempts, where="post", color="#555555", label=label)
    axes.set_xlabel("seconds since the first call")
    axes.set_ylabel(f"per {edges[1] - edges[0]:.1f} s")
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, 1.08 * axes.dataLim.y1)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8)
    return figure
