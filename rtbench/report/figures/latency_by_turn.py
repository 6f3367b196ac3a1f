"""Whether the wait grows as a conversation goes on."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from rtbench.analysis.quantiles import rank_of, samples_needed
from rtbench.report.figures.canvas import BLUE, INK, MUTED, SKY, THOUSANDS, new_axes
from rtbench.results.reader import Run

TITLE = "Latency by turn number"
CAPTION = (
    "Each box holds the middle half of the answers at that place in the conversation, the line in it is the "
    "median; whiskers reach from the 5th to the 95th percentile where there are 59 turns or more. Boxes that "
    "climb mean that a growing history slows the service down. Below: the number of turns."
)
MAX_BOXES = 16


def draw(run: Run) -> Figure | None:
    turns = run.turns[run.turns["voice_to_voice_ms"].notna() & ~run.turns["void"]]
    if turns.empty:
        return None
    step = -(-(int(turns["number"].max()) + 1) // MAX_BOXES)
    boxes = []
    for group, waits_ms in turns.groupby(turns["number"] // step)["voice_to_voice_ms"]:
        first = int(str(group)) * step
        ordered = np.sort(waits_ms.to_numpy(dtype=np.float64))
        n = len(ordered)
        whole = n >= samples_needed(0.95)
        low, q1, median, q3, high = (
            float(ordered[rank_of(q, n)])
            for q in ((0.05 if whole else 0.25), 0.25, 0.5, 0.75, (0.95 if whole else 0.75))
        )
        span = f"{first}" if step == 1 else f"{first}–{first + step - 1}"
        boxes.append(
            {
                "whislo": low,
                "q1": q1,
                "med": median,
                "q3": q3,
                "whishi": high,
                "label": f"{span}\nn={n:,}",
                "fliers": [],
            }
        )
    figure, axes = new_axes()
    axes.bxp(
        boxes,
        widths=0.55,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": SKY, "edgecolor": BLUE, "alpha": 0.55},
        medianprops={"color": INK, "linewidth": 2},
        whiskerprops={"color": BLUE},
        capprops={"color": BLUE},
    )
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", labelsize=9 if len(boxes) <= 10 else 7, color=MUTED)
    axes.set(xlabel="turn of the conversation", ylabel="voice to voice (ms)")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.yaxis.set_major_formatter(THOUSANDS)
    return figure
