"""How good the line of each call was: loss, jitter and round trip, a point a call over time, and the alert's limits."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.network import calls_with_media
from rtbench.core.network import NetworkAlert
from rtbench.report.figures.canvas import BLUE, MUTED, ORANGE, PURPLE, VERMILLION, new_figure
from rtbench.results.reader import Run

TITLE = "The network of each call"
CAPTION = (
    "One point a call, at the time at which it began. Loss: packets of the agent's voice that never came. Jitter: RFC "
    "3550's, its mean over the call. Round trip: the median of the call's measurements by RTCP and ICE. The dashed lines "
    "are the usual limits, 2% and 30 ms, above which speech suffers; the scenario's own alert may have others."
)
MIN_SPAN_S = 1.0
"""The time axis is no shorter: calls that began together are shown as such."""

_ALERT = NetworkAlert()
PANELS = (
    ("packet_loss", "loss (%)", 100.0, 100 * _ALERT.loss, BLUE, "o"),
    ("jitter_ms", "jitter (ms)", 1.0, _ALERT.jitter_ms, ORANGE, "s"),
    ("round_trip_ms", "round trip (ms)", 1.0, None, PURPLE, "^"),
)


def draw(run: Run) -> Figure | None:
    calls = calls_with_media(run.sessions)
    if not calls[[name for name, *_ in PANELS]].notna().any(axis=None):
        return None
    figure = new_figure(height_in=4.6)
    panels = figure.subplots(len(PANELS), sharex=True)
    elapsed_s = (calls["at_unix_ns"] - run.sessions["at_unix_ns"].min()).astype(float) / 1e9
    for axes, (name, label, factor, limit, colour, marker) in zip(panels, PANELS, strict=True):
        values = calls[name].astype(float) * factor
        axes.plot(elapsed_s, values, marker, color=colour, markersize=4, alpha=0.7)
        axes.set_ylabel(label)
        _scale(axes, values, limit)
    span_s = max(float(elapsed_s.max()), MIN_SPAN_S)
    panels[-1].set_xlim(-0.03 * span_s, 1.03 * span_s)
    panels[-1].set_xlabel("begin of the call (s from the run's first)")
    figure.align_ylabels(panels)
    return figure


def _scale(axes: Axes, values: pd.Series, limit: float | None) -> None:
    """From 0 to above the greatest value; the limit is drawn where it is near enough to be a measure of it."""
    top = float(values.max()) if values.notna().any() else 0.0
    if limit is not None and top > limit / 4:
        axes.axhline(limit, color=VERMILLION, linewidth=1, linestyle="--")
        top = max(top, limit)
    elif limit is not None:
        told = f"the limit of {limit:g} is far above"
        axes.set_title(told, loc="right", color=MUTED, fontsize=8, pad=3)
    top = top or 1.0
    axes.set_ylim(-0.06 * top, 1.15 * top)
