"""The outcomes that the rates of `core.metrics.rates` are taken of, over whole tables.

An outcome is 1 or 0; NaN is a row to which the rate does not apply. The index names the row that an
outcome comes from, more than once where a row has several.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from rtbench.core.answers import STOPPED
from rtbench.core.metrics import RATES, RateMetric

Outcomes = Callable[[pd.DataFrame], pd.Series]


def answered(turns: pd.DataFrame) -> pd.Series:
    """1 for an answer that came; one that the caller cut off had come."""
    was_heard = turns["barged_in"] & turns["audible_ns"].notna()
    asked = turns["expects_answer"] & (was_heard | ~turns["outcome"].isin(STOPPED))
    return (was_heard | turns["outcome"].eq("answered")).astype(float).where(asked)


def false_cutoffs(turns: pd.DataFrame) -> pd.Series:
    """An outcome for each labelled hold pause: 1 where the service took it for the end of the turn."""
    holds = turns["hold_pauses"].fillna(0).to_numpy(np.int64)
    taken = np.minimum(turns["false_cutoffs"].fillna(0).to_numpy(np.int64), holds)
    counts = np.column_stack([taken, holds - taken]).ravel()
    ones = np.tile([1.0, 0.0], len(turns)).repeat(counts)
    return pd.Series(ones, index=turns.index.repeat(holds), dtype=float)


_TOLD: dict[str, Outcomes] = {
    "response_rate": answered,
    "false_cutoff_rate": false_cutoffs,
    "void_rate": lambda turns: turns["void"].astype(float),
}
"""Outcomes that no column holds, by rate: over whole tables what `RateMetric.tell` is over one row."""

FLOW = "conversation_flow"
"""The rate of events of several tables: of the parts of `flow_parts` together."""


def outcomes(rate: RateMetric, rows: pd.DataFrame) -> pd.Series:
    """The outcomes of a rate of a single table in rows of it."""
    return rows[rate.column] if rate.column else _TOLD[rate.name](rows)


def _of_service(table: str) -> tuple[str, ...]:
    return tuple(rate.name for rate in RATES if rate.table == table and not rate.of_void)


TURN_RATES = _of_service("turns")
"""Rates over turns that are not void, by name."""

SESSION_RATES = _of_service("sessions")
"""The same over sessions."""

STIMULUS_RATES = _of_service("stimuli")
"""The same over stimuli."""


def flow_parts(turns: pd.DataFrame, stimuli: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The events of `conversation_flow` by part: `session` and `outcome` (1: handled right) of each.

    `turns` and `stimuli` are without void rows.
    """
    parts = {
        "answered in time": (turns, answered(turns)),
        "yielded to interruptions": (stimuli, stimuli["yielded"]),
        "ignored disturbances": (stimuli, 1.0 - stimuli["false_interruption"]),
        "did not cut in": (turns, 1.0 - turns["cut_in"]),
    }
    return {
        name: pd.DataFrame({"session": rows["session"], "outcome": outcomes.astype(float)}).dropna()
        for name, (rows, outcomes) in parts.items()
    }
