"""One turn as it was lived: caller above, agent below, and every event between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.report.figures.canvas import ORANGE, VERMILLION
from rtbench.report.figures.lanes import (
    AGENT,
    CALLER,
    Envelope,
    draw_span,
    draw_voice,
    mark_events,
    new_lanes,
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
ORIGIN = "end of speech"

BEFORE_MS, AFTER_MS = 2500.0, 2000.0
"""How much is shown of the user's speech, and of the answer."""

LEAST_AFTER_MS = 1200.0
"""Shown of the time after the user's speech even where the turn was over before; its label needs the room."""


def draw(turn: Mapping[Any, Any], caller: Envelope | None, agent: Envelope | None) -> Figure:
    """The picture of one turn; a waveform that was not kept is drawn as a plain block."""
    zero_ns = int(turn["user_speech_end_ns"])
    events = {label: _ms(turn, name, zero_ns) for name, label in EVENTS.items() if pd.notna(turn[name])}
    speech_start_ms, closed_ms = (_ms(turn, name, zero_ns) for name in ("user_speech_start_ns", "closed_ns"))
    end_ms = min(closed_ms, events["audible"] + AFTER_MS) if "audible" in events else closed_ms
    events = {ORIGIN: 0.0, **{label: at for label, at in events.items() if at <= end_ms}}

    figure, axes = new_lanes(
        max(speech_start_ms - 200, -BEFORE_MS),
        max(end_ms, LEAST_AFTER_MS),
        "ms from the end of the user's speech",
    )
    if "audible" in events:
        draw_span(axes, 0.0, events["audible"], ORANGE)
    else:
        _unanswered(axes, turn, closed_ms)
    draw_voice(axes, CALLER, caller, zero_ns, (speech_start_ms, 0.0))
    heard = None
    if pd.notna(turn["audible_ns"]) and pd.notna(turn["playout_end_ns"]):
        heard = (_ms(turn, "audible_ns", zero_ns), _ms(turn, "playout_end_ns", zero_ns))
    draw_voice(axes, AGENT, agent, zero_ns, heard)
    mark_events(axes, events, ORIGIN)
    return figure


def _ms(turn: Mapping[Any, Any], name: str, zero_ns: int) -> float:
    return (int(turn[name]) - zero_ns) / NS_PER_MS


def _unanswered(axes: Axes, turn: Mapping[Any, Any], closed_ms: float) -> None:
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
