"""One interruption, or one disturbance that the agent fell for: who was heard when, and what the service did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.core.metrics.turn_taking import YIELD_LIMIT_MS
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
    "Time runs in milliseconds from the first sound of the caller. Above the caller's voice, below the agent's as it "
    "left the player; the shaded span is how long the agent was heard on, red where that was more than 2 s. The marks "
    "are the service's detection, the cancellation asked for and told, the last audio that came of the interrupted "
    "answer, and the silence that the caller heard."
)
EVENTS = {
    "speech_started_ns": "detected",
    "flushed_ns": "player emptied",
    "cancel_sent_ns": "cancel sent",
    "cancelled_ns": "cancelled",
    "last_audio_ns": "last audio",
    "silent_ns": "silence heard",
    "answer_audible_ns": "new answer",
}
ORIGIN = "onset"

BEFORE_MS, AFTER_MS = 1200.0, 800.0
"""Shown before the onset, and after the last thing that belongs to the stop."""

LONGEST_MS = 9000.0
"""Beyond it only what came is told, not drawn: the first seconds would be too small to read."""


def draw(stimulus: Mapping[Any, Any], caller: Envelope | None, agent: Envelope | None) -> Figure:
    """The picture of one stimulus; a waveform that was not kept is drawn as a plain block."""
    zero_ns = int(stimulus["onset_ns"])
    events = {
        label: (int(stimulus[name]) - zero_ns) / NS_PER_MS
        for name, label in EVENTS.items()
        if pd.notna(stimulus[name])
    }
    sound_end_ms = (int(stimulus["end_ns"]) - zero_ns) / NS_PER_MS
    silent_ms = events.get("silence heard")
    last_ms = max(sound_end_ms, *(at for label, at in events.items() if label != "new answer"), 0.0)
    end_ms = min(last_ms + AFTER_MS, LONGEST_MS)

    figure, axes = new_lanes(-BEFORE_MS, end_ms, "ms from the first sound of the caller")
    missed = silent_ms is None or silent_ms > YIELD_LIMIT_MS
    if stimulus["response_id"]:
        heard_until_ms = end_ms if silent_ms is None else silent_ms
        draw_span(axes, 0.0, heard_until_ms, VERMILLION if missed else ORANGE)
        draw_voice(axes, AGENT, agent, zero_ns, (-BEFORE_MS, heard_until_ms))
    else:
        draw_voice(axes, AGENT, agent, zero_ns, None)
    draw_voice(axes, CALLER, caller, zero_ns, (0.0, sound_end_ms))
    mark_events(axes, {ORIGIN: 0.0, **{label: at for label, at in events.items() if at <= end_ms}}, ORIGIN)
    return figure
