"""What the wait is made of: the four parts of `voice_to_voice_ms`."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.report.figures.canvas import BLUE, GREEN, ORANGE, PURPLE, THOUSANDS, new_axes, stack_bar
from rtbench.results.reader import Run

TITLE = "Parts of the latency"
CAPTION = (
    "Mean of each part over typical turns (the middle tenth by voice to voice) and over slow ones (from the 90th "
    "percentile to the 99th). Endpoint: until the service took the turn for over. Model: from there to the first "
    "audio. Then silence at the head of the answer, and the wait of the caller's player. The part that grows "
    "from the upper bar to the lower is the one to work on."
)
PARTS = {
    "endpoint_delay_ms": ("endpoint", BLUE, ""),
    "speech_stop_to_first_audio_ms": ("model", ORANGE, "//"),
    "leading_silence_ms": ("leading silence", GREEN, ".."),
    "playout_wait_ms": ("player", PURPLE, "xx"),
}
BANDS = {"typical": (0.45, 0.55), "slow": (0.90, 0.99)}
MIN_TURNS = 20
"""Below this a band holds a turn or two, and says nothing."""


def draw(run: Run) -> Figure | None:
    columns = ["voice_to_voice_ms", *PARTS]
    turns = run.turns.loc[~run.turns["void"], columns].dropna().sort_values("voice_to_voice_ms")
    if len(turns) < MIN_TURNS:
        return None
    figure, axes = new_axes(height_in=2.9)
    for place, (name, band) in enumerate(BANDS.items()):
        rows = _band(turns, *band)
        whole_ms = float(rows["voice_to_voice_ms"].mean())
        _bar(axes, place, rows)
        axes.text(whole_ms, place, f"  {whole_ms:,.0f} ms", va="center")
        label = f"{name}\nn={len(rows):,}"
        axes.text(-0.01, place, label, ha="right", va="center", transform=axes.get_yaxis_transform())
    axes.set(xlabel="ms from the end of the user's speech", yticks=[])
    axes.invert_yaxis()
    axes.margins(x=0.13)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return figure


def _band(turns: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    n = len(turns)
    return turns.iloc[int(low * n) : max(int(high * n), int(low * n) + 1)]


def _bar(axes: Axes, place: int, rows: pd.DataFrame) -> None:
    stack_bar(axes, place, ((float(rows[column].mean()), *look) for column, look in PARTS.items()))
