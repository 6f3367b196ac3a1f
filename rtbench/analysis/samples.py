"""The sample of a metric: which rows of a run count for it, and with what value.

A turn that was never answered counts in every wait for the answer, as infinitely long. Left out are
void turns (the generator's fault), turns that ask for no answer, and turns that rtbench or the caller
stopped before the metric's end came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rtbench.analysis.quantiles import Floats
from rtbench.core.metrics import SESSION_METRICS, TURN_METRICS
from rtbench.core.metrics.metric import NS_PER_MS

WAITS = frozenset(
    {"voice_to_voice_ms", "first_audio_ms", "first_text_ms", "response_created_ms", "response_done_ms"}
)
"""Waits for something that an unanswered turn never got."""

UNANSWERED = frozenset({"no_answer", "failed", "dropped"})
"""Outcomes by which the service left the caller without an answer."""

STOPPED = frozenset({"interrupted", "cancelled"})
"""Outcomes that say nothing about whether the service would have answered."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of one metric."""

    name: str
    unit: str
    values: Floats
    """Shape (n,), without NaN, infinite for what never came."""

    sessions: pd.Series
    """Shape (n,): the session of each value."""

    known_up_to: float = np.inf
    """The longest wait that is known: unanswered turns lie above it."""

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def unanswered(self) -> int:
        """How many values are infinite."""
        return int(np.isinf(self.values).sum())


def _answered(turns: pd.DataFrame) -> pd.Series:
    asked = turns["expects_answer"] & ~turns["outcome"].isin(STOPPED)
    return turns["outcome"].eq("answered").astype(float).where(asked)


TURN_RATES: dict[str, tuple[str, Callable[[pd.DataFrame], pd.Series]]] = {
    "response_rate": ("Answered turns over turns that ask for an answer.", _answered),
    "continuity_ok_rate": (
        "Answers whose worst underrun is at most 100 ms, over answers with audio.",
        lambda turns: turns["continuity_ok"],
    ),
}
"""Rates over turns, by name: definition, and 0, 1 or NaN for each turn."""

SESSION_RATES: dict[str, tuple[str, Callable[[pd.DataFrame], pd.Series]]] = {
    "session_success_rate": (
        "Sessions held to their end, or drained by the end of the run, over sessions asked for.",
        lambda sessions: sessions["session_success"],
    ),
}
"""The same over sessions."""

TURN_UNITS = {metric.name: metric.unit for metric in TURN_METRICS}
SESSION_UNITS = {metric.name: metric.unit for metric in SESSION_METRICS}

METRIC_NAMES: tuple[str, ...] = (*TURN_UNITS, *SESSION_UNITS, *TURN_RATES, *SESSION_RATES)
"""Every metric that a threshold may name."""


def sample(name: str, turns: pd.DataFrame, sessions: pd.DataFrame) -> Sample:
    """The sample of the metric `name` among these rows. Raises KeyError for a name not in METRIC_NAMES."""
    if name in TURN_UNITS:
        return _turn_sample(name, TURN_UNITS[name], turns)
    if name in SESSION_UNITS:
        return _sample(name, SESSION_UNITS[name], sessions[name], sessions)
    if name in TURN_RATES:
        valid = turns[~turns["void"]]
        return _sample(name, "rate", TURN_RATES[name][1](valid), valid)
    return _sample(name, "rate", SESSION_RATES[name][1](sessions), sessions)


def _turn_sample(name: str, unit: str, turns: pd.DataFrame) -> Sample:
    valid = turns[~turns["void"]]
    values = valid[name]
    if name not in WAITS:
        return _sample(name, unit, values, valid)
    never = values.isna() & valid["expects_answer"] & valid["outcome"].isin(UNANSWERED)
    timed_out = valid[never & valid["outcome"].eq("no_answer")]
    waits_ms = (timed_out["closed_ns"] - timed_out["user_speech_end_ns"]).astype(float) / NS_PER_MS
    known_up_to = max([float(edge) for edge in (values.max(), waits_ms.min()) if pd.notna(edge)], default=0.0)
    return _sample(name, unit, values.mask(never, np.inf), valid, known_up_to)


def _sample(
    name: str, unit: str, values: pd.Series, rows: pd.DataFrame, known_up_to: float = np.inf
) -> Sample:
    there = values.notna()
    return Sample(name, unit, values[there].to_numpy(dtype=np.float64), rows["session"][there], known_up_to)
