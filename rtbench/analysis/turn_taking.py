"""Turn-taking of a run: could callers stop the agent, was it left in peace by noise, and how well turns changed hands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rtbench.analysis.measurement_error import MeasurementError, measurement_error
from rtbench.analysis.metric_summary import (
    MetricSummary,
    RateSummary,
    summarise_rate,
    summarise_stimulus_metrics,
)
from rtbench.analysis.outcomes import STIMULUS_RATES, flow_parts
from rtbench.analysis.rates import Rate, rate
from rtbench.analysis.samples import Rows
from rtbench.analysis.truth import INTERRUPTION_METRICS, error_column

TURN_TAKING_TURN_RATES = ("cut_in_rate", "false_cutoff_rate", "response_rate")
"""Rates of turns that belong to turn-taking."""


@dataclass(frozen=True, slots=True)
class FlowPart:
    """One kind of turn-taking event, and how many of its kind the agent handled right."""

    name: str
    right: int
    eligible: int


@dataclass(frozen=True, slots=True)
class ConversationFlow:
    """`conversation_flow` with its parts: never to be told without them, as each weighs by its number of events."""

    rate: Rate
    """As a share; the score is a hundred times as much."""

    parts: tuple[FlowPart, ...]


@dataclass(frozen=True, slots=True)
class TurnTaking:
    """What the stimuli of a run came to. Void stimuli are counted and otherwise left out."""

    stimuli: dict[str, int]
    """Stimuli by kind, the most frequent first."""

    void: int
    rates: list[RateSummary]
    false_interruptions: dict[str, Rate]
    """`false_interruption_rate` by kind of disturbance, in the order of `stimuli`."""

    flow: ConversationFlow
    metrics: list[MetricSummary]
    measurement_errors: dict[str, MeasurementError]
    """By metric, against the emulator's log; empty where there is none."""

    @property
    def yield_rate(self) -> Rate:
        """The rate that says whether callers could stop the agent."""
        return next(each.rate for each in self.rates if each.name == "yield_rate")


def summarise_turn_taking(rows: Rows) -> TurnTaking | None:
    """The turn-taking of these rows, stimuli joined with the emulator's log; None where there was no stimulus."""
    if rows.stimuli.empty:
        return None
    valid = rows.valid_stimuli
    rates = [summarise_rate(name, "stimuli", rows) for name in STIMULUS_RATES]
    rates += [summarise_rate(name, "turns", rows) for name in TURN_TAKING_TURN_RATES]
    errors = {name: measurement_error(valid[error_column(name)]) for name in INTERRUPTION_METRICS}
    return TurnTaking(
        stimuli={str(kind): int(count) for kind, count in valid["kind"].value_counts().items()},
        void=int(rows.stimuli["void"].sum()),
        rates=rates,
        false_interruptions=false_interruptions(rows),
        flow=conversation_flow(rows),
        metrics=summarise_stimulus_metrics(rows),
        measurement_errors={name: error for name, error in errors.items() if error is not None},
    )


def false_interruptions(rows: Rows) -> dict[str, Rate]:
    """`false_interruption_rate` of each kind of disturbance that there was, the most frequent first."""
    disturbances = rows.valid_stimuli.dropna(subset="false_interruption")
    found = {}
    for kind in disturbances["kind"].value_counts().index:
        of_kind = disturbances[disturbances["kind"] == kind]
        found[str(kind)] = rate(of_kind["false_interruption"].to_numpy(np.float64), of_kind["session"])
    return found


def conversation_flow(rows: Rows) -> ConversationFlow:
    """`conversation_flow` over these rows, each event with the same weight."""
    parts = flow_parts(rows.valid_turns, rows.valid_stimuli)
    events = pd.concat(parts.values(), ignore_index=True)
    return ConversationFlow(
        rate(events["outcome"].to_numpy(np.float64), events["session"]),
        tuple(FlowPart(name, int(part["outcome"].sum()), len(part)) for name, part in parts.items()),
    )
