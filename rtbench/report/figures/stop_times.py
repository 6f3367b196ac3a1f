"""How long it took to stop the agent: on the wire, and to the caller's ear."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.quantiles import Floats, quantiles, rank_of
from rtbench.analysis.samples import Rows, sample
from rtbench.core.metrics.turn_taking import YIELD_LIMIT_MS
from rtbench.report.figures.canvas import BLUE, GREEN, MUTED, ORANGE, THOUSANDS, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "How long it took to stop the agent"
CAPTION = (
    "For every time on the horizontal axis, the share of interruptions that were over by then, from the caller's "
    "first sound. Detected: the service said that it heard the caller. Server: it had sent the last audio and told "
    "the cancellation. Heard: the caller's player was silent. Heard left of server is the caller's application "
    "emptying its player at once; an interruption right of 2 s was missed, if the agent had that much to say."
)
CURVES = {
    "barge_in_detect_ms": ("detected", GREEN, ":"),
    "barge_in_server_stop_ms": ("server", ORANGE, "--"),
    "barge_in_heard_stop_ms": ("heard", BLUE, "-"),
}
LEAST_EDGE_MS = 2200.0
"""The limit of 2 s is always in the picture."""


def draw(run: Run) -> Figure | None:
    measured = {name: sample(name, Rows.of(run)) for name in CURVES}
    if not measured["barge_in_heard_stop_ms"].n and not measured["barge_in_server_stop_ms"].n:
        return None
    figure, axes = new_axes()
    right_ms = LEAST_EDGE_MS
    for name, (label, colour, line) in CURVES.items():
        found = measured[name]
        if not found.n:
            continue
        ordered = np.sort(found.values)
        right_ms = max(right_ms, 1.3 * float(ordered[rank_of(0.95, found.n)]))
        (median,) = quantiles(found.values, found.sessions, [0.5])
        told = f", median {median.value:,.0f} ms" if median.value is not None else ""
        axes.step(
            np.r_[ordered[0], ordered],
            np.arange(found.n + 1) / found.n * 100,
            where="post",
            color=colour,
            linestyle=line,
            label=f"{label} (n={found.n:,}{told})",
        )
    _limit(axes)
    axes.set(xlabel="from the caller's first sound (ms)", ylabel="interruptions (%)", ylim=(0, 102))
    axes.set_xlim(0, right_ms)
    _tail(axes, measured["barge_in_heard_stop_ms"].values, right_ms)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    return figure


def _tail(axes: Axes, heard_ms: Floats, right_ms: float) -> None:
    """What lies beyond the axis, in words."""
    beyond = heard_ms[heard_ms > right_ms]
    if len(beyond):
        told = f"{len(beyond):,} later, up to {beyond.max():,.0f} ms →"
        axes.text(0.995, 0.14, told, color=MUTED, ha="right", fontsize=8, transform=axes.transAxes)


def _limit(axes: Axes) -> None:
    axes.axvline(YIELD_LIMIT_MS, color=VERMILLION, linewidth=1)
    axes.text(
        YIELD_LIMIT_MS,
        3,
        "limit of the yield rate ",
        color=VERMILLION,
        ha="right",
        va="bottom",
        fontsize=8,
    )
