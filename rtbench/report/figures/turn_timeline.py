"""One turn as it was lived: caller above, agent below, and every event between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.report.figures.canvas import (
    BLUE,
    GREEN,
    GRID,
    INK,
    MUTED,
    ORANGE,
    THOUSANDS,
    VERMILLION,
    new_axes,
)

CAPTION = (
    "Time runs in milliseconds from the end of the user's speech. Above the caller's voice, below the agent's as it left "
    "the player; the shaded span is the wait. The marks on top are events in the order in which they came."
)
EVENTS = {
    "speech_stopped_ns": "speech_stopped",
    "commit_sent_ns": "commit",
    "response_created_ns": "response.created",
    "first_audio_ns": "first audio",
    "audible_ns": "audible",
    "response_done_ns": "response.done",
}
CALLER, AGENT = 1.0, -1.0
"""Heights of the lanes' middle lines; a full-scale wave reaches 0.85 to either side."""

BEFORE_MS, AFTER_MS = 2500.0, 2000.0
"""How much is shown of the user's speech, and of the answer."""

LEAST_AFTER_MS = 1200.0
"""Shown of the time after the user's speech even where the turn was over before; its label needs the room."""

LABEL_CHARACTERS = 115
"""How many characters of a label fit the width of the picture."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Peaks of a waveform, from 0 to 1, one per window."""

    start_ns: int
    window_ms: float
    peaks: npt.NDArray[np.float64]


def draw(turn: Mapping[Any, Any], caller: Envelope | None, agent: Envelope | None) -> Figure:
    """The picture of one turn; a waveform that was not kept is drawn as a plain block."""
    zero_ns = int(turn["user_speech_end_ns"])
    events = {
        label: (int(turn[name]) - zero_ns) / NS_PER_MS
        for name, label in EVENTS.items()
        if pd.notna(turn[name])
    }
    start_ms = max((int(turn["user_speech_start_ns"]) - zero_ns) / NS_PER_MS - 200, -BEFORE_MS)
    closed_ms = (int(turn["closed_ns"]) - zero_ns) / NS_PER_MS
    end_ms = min(closed_ms, events["audible"] + AFTER_MS) if "audible" in events else closed_ms
    events = {"end of speech": 0.0, **{label: at for label, at in events.items() if at <= end_ms}}

    figure, axes = new_axes(height_in=3.4, width_in=10.5)
    axes.set_xlim(start_ms, max(end_ms, LEAST_AFTER_MS))
    axes.set_ylim(-2.0, 2.0)
    _wait(axes, turn, events.get("audible"), closed_ms)
    speech = ((int(turn["user_speech_start_ns"]) - zero_ns) / NS_PER_MS, 0.0)
    _lane(axes, CALLER, "caller", caller, zero_ns, speech, BLUE)
    heard = None
    if pd.notna(turn["audible_ns"]) and pd.notna(turn["playout_end_ns"]):
        heard = tuple((int(turn[name]) - zero_ns) / NS_PER_MS for name in ("audible_ns", "playout_end_ns"))
    _lane(axes, AGENT, "agent", agent, zero_ns, heard, GREEN)
    _mark(axes, events)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks([CALLER, AGENT], ["caller", "agent"])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.set_xlabel("ms from the end of the user's speech")
    return figure


def _lane(
    axes: Axes,
    middle: float,
    label: str,
    envelope: Envelope | None,
    zero_ns: int,
    block: tuple[float, ...] | None,
    colour: str,
) -> None:
    axes.axhline(middle, color=GRID, linewidth=1)
    if envelope is not None and len(envelope.peaks):
        first_ms = (envelope.start_ns - zero_ns) / NS_PER_MS
        at_ms = first_ms + np.arange(len(envelope.peaks)) * envelope.window_ms
        height = envelope.peaks / max(float(envelope.peaks.max()), 1e-3) * 0.85
        axes.fill_between(at_ms, middle - height, middle + height, color=colour, linewidth=0, gid=label)
    elif block is not None:
        axes.fill_between(block, middle - 0.4, middle + 0.4, color=colour, alpha=0.35, linewidth=0, gid=label)


def _wait(axes: Axes, turn: Mapping[Any, Any], audible_ms: float | None, closed_ms: float) -> None:
    if audible_ms is None:
        axes.axvspan(0, closed_ms, color=VERMILLION, alpha=0.10, linewidth=0)
        told = f"{turn['outcome']} after {closed_ms:,.0f} ms"
        axes.annotate(
            told.replace("_", " "),
            (0, AGENT),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=VERMILLION,
            weight="bold",
            backgroundcolor=(1, 1, 1, 0.6),
        )
        return
    axes.axvspan(min(0.0, audible_ms), max(0.0, audible_ms), color=ORANGE, alpha=0.16, linewidth=0)
    axes.annotate("", (audible_ms, 0), (0, 0), arrowprops={"arrowstyle": "<->", "color": INK, "linewidth": 1})
    axes.text(audible_ms / 2, 0.08, f"{audible_ms:,.0f} ms", ha="center", va="bottom", weight="bold")


def _mark(axes: Axes, events: Mapping[str, float]) -> None:
    """Lines at the events; their labels above the lanes, in as many rows as keep them apart.

    Of labels that would meet, the earlier stands higher: its line passes to the left of the later ones.
    """
    left, right = axes.get_xlim()
    per_character = (right - left) / LABEL_CHARACTERS
    row_starts: list[float] = []
    for label, at_ms in sorted(events.items(), key=lambda event: event[1], reverse=True):
        end = at_ms + (len(label) + 2) * per_character
        row = next((row for row, start in enumerate(row_starts) if end <= start), len(row_starts))
        row_starts[row : row + 1] = [at_ms]
        top = 1.03 + 0.08 * row
        style = "-" if label == "end of speech" else (0, (3, 2))
        axes.axvline(at_ms, color=MUTED, linewidth=0.9, linestyle=style)
        axes.plot(
            [at_ms, at_ms],
            [1.0, top + 0.06],
            color=MUTED,
            linewidth=0.9,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )
        axes.annotate(
            label,
            (at_ms, top),
            xycoords=axes.get_xaxis_transform(),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=8,
            va="bottom",
            annotation_clip=False,
        )
