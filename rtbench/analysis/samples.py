"""The sample of a metric: which rows of a run count for it, and with what value.

A turn that was never answered counts in every wait for the answer, as infinitely long, and so does an
outage that was given up in every wait for its end. Left out are
void rows (the generator's fault), turns that ask for no answer, and turns that rtbench or the caller
stopped before the metric's end came. What a stimulus did not bring about has no value; the rates say
how often that was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd

from rtbench.analysis.outcomes import FLOW, flow_parts, outcomes
from rtbench.analysis.quantiles import Floats
from rtbench.core.answers import GIVEN_UP, RETURNS, UNANSWERED, WAITS
from rtbench.core.metrics import (
    INCIDENT_METRICS,
    RATES,
    SESSION_METRICS,
    STIMULUS_METRICS,
    TURN_METRICS,
)
from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.results.reader import Run
from rtbench.results.schema import INCIDENTS

TURN_UNITS = {metric.name: metric.unit for metric in TURN_METRICS}
SESSION_UNITS = {metric.name: metric.unit for metric in SESSION_METRICS}
STIMULUS_UNITS = {metric.name: metric.unit for metric in STIMULUS_METRICS}
INCIDENT_UNITS = {metric.name: metric.unit for metric in INCIDENT_METRICS}

_RATES = {rate.name: rate for rate in RATES}

METRIC_NAMES: tuple[str, ...] = (
    *TURN_UNITS,
    *SESSION_UNITS,
    *STIMULUS_UNITS,
    *INCIDENT_UNITS,
    *(rate.name for rate in RATES),
)
"""Every metric that has values in the rows of a run."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that metrics are taken from: a run's own, or some of them."""

    turns: pd.DataFrame
    sessions: pd.DataFrame
    stimuli: pd.DataFrame
    incidents: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=INCIDENTS.names))

    @classmethod
    def of(cls, run: Run) -> Self:
        """All rows of a run."""
        incidents = {"incidents": run.incidents} if len(run.incidents) else {}
        return cls(run.turns, run.sessions, run.stimuli, **incidents)

    @property
    def valid_turns(self) -> pd.DataFrame:
        return self.turns[~self.turns["void"]]

    @property
    def valid_stimuli(self) -> pd.DataFrame:
        return self.stimuli[~self.stimuli["void"]]


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


def sample(name: str, rows: Rows) -> Sample:
    """The sample of the metric `name` among these rows. Raises KeyError for a name not in METRIC_NAMES."""
    if name in TURN_UNITS:
        return _turn_sample(name, TURN_UNITS[name], rows.valid_turns)
    if name in SESSION_UNITS:
        return _sample(name, SESSION_UNITS[name], rows.sessions[name], rows.sessions)
    if name in STIMULUS_UNITS:
        stimuli = rows.valid_stimuli
        return _sample(name, STIMULUS_UNITS[name], stimuli[name], stimuli)
    if name in INCIDENT_UNITS:
        return _incident_sample(name, INCIDENT_UNITS[name], rows.incidents)
    return _rate_sample(name, rows)


def _rate_sample(name: str, rows: Rows) -> Sample:
    if name == FLOW:
        events = pd.concat(flow_parts(rows.valid_turns, rows.valid_stimuli).values(), ignore_index=True)
        return Sample(name, "rate", events["outcome"].to_numpy(np.float64), events["session"])
    rate = _RATES[name]
    tables = {
        "turns": rows.turns if rate.of_void else rows.valid_turns,
        "sessions": rows.sessions,
        "stimuli": rows.valid_stimuli,
        "incidents": rows.incidents,
    }
    return _sample(name, "rate", outcomes(rate, tables[rate.table]), tables[rate.table])


def _turn_sample(name: str, unit: str, turns: pd.DataFrame) -> Sample:
    values = turns[name]
    if name not in WAITS:
        return _sample(name, unit, values, turns)
    never = values.isna() & turns["expects_answer"] & turns["outcome"].isin(UNANSWERED)
    timed_out = turns[never & turns["outcome"].eq("no_answer")]
    waits_ms = (timed_out["closed_ns"] - timed_out["user_speech_end_ns"]).astype(float) / NS_PER_MS
    known_up_to = max([float(edge) for edge in (values.max(), waits_ms.min()) if pd.notna(edge)], default=0.0)
    return _sample(name, unit, values.mask(never, np.inf), turns, known_up_to)


def _incident_sample(name: str, unit: str, incidents: pd.DataFrame) -> Sample:
    values = incidents[name].astype(float)
    if name not in RETURNS:
        return _sample(name, unit, values, incidents)
    never = values.isna() & incidents["outcome"].eq(GIVEN_UP)
    known_up_to = float(values.max()) if values.notna().any() else 0.0
    return _sample(name, unit, values.mask(never, np.inf), incidents, known_up_to)


def _sample(
    name: str, unit: str, values: pd.Series, rows: pd.DataFrame, known_up_to: float = np.inf
) -> Sample:
    """The values that are there; their index names rows, where there are several of one row more than once."""
    there = values.dropna()
    sessions = rows["session"].reindex(there.index)
    return Sample(name, unit, there.to_numpy(dtype=np.float64), sessions, known_up_to)
