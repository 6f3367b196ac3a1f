"""The latency budget: what a call's parts may take, and what they took, side by side.

| part | may take | from -> to |
|---|---|---|
| audio input | 50 ms | a frame due -> sent, the latest of the turn, and half the session's round trip |
| model | 500 ms | `speech_stop_to_first_audio_ms` |
| audio output | 50 ms | `playout_wait_ms` |
| speech to speech | 800 ms | `voice_to_voice_ms` |

The parts are less than the whole: the wait until the turn is taken to be over (`endpoint_delay_ms`) and the
silence that an answer begins with (`leading_silence_ms`) are in the whole alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rtbench.analysis.metric_summary import MetricSummary, summarise_sample
from rtbench.analysis.rates import Rate, rate
from rtbench.analysis.samples import Rows, Sample, sample

AUDIO_INPUT = "audio_input_ms"
"""Of the report alone: it is told by rows of two tables, so that no threshold can name it."""

LIMITS_MS: dict[str, tuple[str, float]] = {
    AUDIO_INPUT: ("audio input", 50.0),
    "speech_stop_to_first_audio_ms": ("model", 500.0),
    "playout_wait_ms": ("audio output", 50.0),
    "voice_to_voice_ms": ("speech to speech", 800.0),
}
"""Parts by what they are measured by, and what each has to stay below."""


@dataclass(frozen=True, slots=True)
class BudgetPart:
    """One part of the budget, and what it took."""

    name: str
    limit_ms: float
    taken: MetricSummary
    within: Rate
    """Turns in which it stayed below the limit."""


def summarise_budget(rows: Rows) -> list[BudgetPart]:
    """The parts in their order, of turns without a tool call where there are any; empty where no part is known."""
    with_tool = rows.turns["tool"].astype(bool)
    only_tool = bool(with_tool.any() and with_tool.all())
    part = rows if only_tool else replace(rows, turns=rows.turns[~with_tool])
    found = [
        BudgetPart(
            *LIMITS_MS[measured.name],
            summarise_sample(measured, "with_tool" if only_tool else "without_tool"),
            rate((measured.values < LIMITS_MS[measured.name][1]).astype(np.float64), measured.sessions),
        )
        for measured in _samples(part)
    ]
    return found if any(each.taken.n for each in found) else []


def _samples(rows: Rows) -> Iterator[Sample]:
    for name in LIMITS_MS:
        yield _audio_input(rows) if name == AUDIO_INPUT else sample(name, rows)


def _audio_input(rows: Rows) -> Sample:
    """Of turns in sessions whose round trip is known; what is written sends no audio."""
    turns = rows.valid_turns[rows.valid_turns["kind"].ne("written")]
    sessions = rows.sessions.drop_duplicates("session").set_index("session")
    way_ms = turns["session"].map(_round_trip_ms(sessions)).astype(float) / 2
    taken_ms = (turns["frame_late_max_ms"].astype(float) + way_ms).dropna()
    return Sample(
        AUDIO_INPUT, "ms", np.asarray(taken_ms, np.float64), turns["session"].reindex(taken_ms.index)
    )


def _round_trip_ms(sessions: pd.DataFrame) -> pd.Series:
    """As measured during a call over WebRTC; else the one that TCP's handshake took."""
    during, at_first = (sessions[name].astype(float) for name in ("round_trip_ms", "tcp_ms"))
    return during.fillna(at_first)
