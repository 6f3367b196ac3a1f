"""Where the time goes until a call over WebRTC stands: its parts, over typical and slow calls."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.network import CONNECTION_PARTS
from rtbench.report.figures.canvas import BLUE, GREEN, ORANGE, PURPLE, SKY, THOUSANDS, new_axes, stack_bar
from rtbench.results.reader import Run

TITLE = "Parts of the connection"
CAPTION = (
    "Mean of each part over all calls and, where there are at least 10, over the slowest tenth. Key: the ephemeral key. SDP: "
    "offer and answer. ICE: addresses that reach each other. DTLS: keys for the media. Then the data channel opens. Key and SDP are the service's "
    "HTTP end points; each of the others takes one or two round trips."
)
LOOKS = {
    "key_ms": (BLUE, ""),
    "sdp_ms": (ORANGE, "//"),
    "ice_ms": (GREEN, ".."),
    "dtls_ms": (PURPLE, "xx"),
    "channel_ms": (SKY, "\\\\"),
}
MIN_CALLS = 10
"""Below this the slowest tenth is no call at all."""


def draw(run: Run) -> Figure | None:
    calls = run.sessions[[*CONNECTION_PARTS]].astype(float).dropna(how="all").fillna(0.0)
    if calls.empty:
        return None
    calls = calls.assign(whole=calls.sum(axis=1)).sort_values("whole")
    bands = {"all": calls}
    if len(calls) >= MIN_CALLS:
        bands["slow"] = calls.iloc[int(0.9 * len(calls)) :]
    figure, axes = new_axes(height_in=1.7 + 0.6 * len(bands))
    for place, (name, rows) in enumerate(bands.items()):
        _bar(axes, place, rows)
        axes.text(rows["whole"].mean(), place, f"  {rows['whole'].mean():,.1f} ms", va="center")
        label = f"{name}\nn={len(rows):,}"
        axes.text(-0.01, place, label, ha="right", va="center", transform=axes.get_yaxis_transform())
    axes.set(xlabel="ms from the request for the call", yticks=[])
    axes.invert_yaxis()
    axes.margins(x=0.16)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, columnspacing=1.2)
    return figure


def _bar(axes: Axes, place: int, rows: pd.DataFrame) -> None:
    parts = (
        (float(rows[column].mean()), label, *LOOKS[column]) for column, label in CONNECTION_PARTS.items()
    )
    stack_bar(axes, place, parts)
