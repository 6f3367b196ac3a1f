"""The outcomes that rates are taken of: which turns, sessions and stimuli count, and which came out right.

An outcome is 1 or 0; NaN is a row to which the rate does not apply. The index names the row that an
outcome comes from, more than once where a row has several.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from rtbench.core.answers import STOPPED

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


TURN_RATES: dict[str, tuple[str, Outcomes]] = {
    "response_rate": ("Answered turns over turns that ask for an answer.", answered),
    "continuity_ok_rate": (
        "Answers whose worst underrun is at most 100 ms, over answers with audio.",
        lambda turns: turns["continuity_ok"],
    ),
    "cut_in_rate": (
        "Turns in which the agent became audible while the caller was still speaking, over all turns.",
        lambda turns: turns["cut_in"],
    ),
    "context_retained_rate": (
        "Questions for a fact told before, asked on a later connection, that were answered with it, over all of them.",
        lambda turns: turns["context_retained"],
    ),
    "false_cutoff_rate": (
        "Labelled pauses inside utterances that the service took for the end of the turn, over all of them.",
        false_cutoffs,
    ),
}
"""Rates over turns, by name: definition, and outcomes."""

SESSION_RATES: dict[str, tuple[str, Outcomes]] = {
    "session_success_rate": (
        "Sessions held to their end, or drained by the end of the run, over sessions asked for.",
        lambda sessions: sessions["session_success"],
    ),
}
"""The same over sessions."""

STIMULUS_RATES: dict[str, tuple[str, Outcomes]] = {
    "yield_rate": (
        "Interruptions after which the agent fell silent within 2.0 s, over eligible ones: those that found it with "
        "more than 2.0 s left to say.",
        lambda stimuli: stimuli["yielded"],
    ),
    "missed_interruption_rate": (
        "1 - yield_rate: eligible interruptions through which the agent went on speaking.",
        lambda stimuli: stimuli["missed_interruption"],
    ),
    "false_interruption_rate": (
        "Disturbances that stopped the agent within 1.0 s or drew an answer within 2.0 s, over all disturbances.",
        lambda stimuli: stimuli["false_interruption"],
    ),
    "resumed_rate": (
        "Disturbances that stopped the agent and after which it was audible again, over those that stopped it.",
        lambda stimuli: stimuli["resumed"],
    ),
    "truncation_rejected_rate": (
        "Truncations that the service refused, over those sent.",
        lambda stimuli: stimuli["truncation_rejected"],
    ),
}
"""The same over stimuli."""

FLOW = "conversation_flow"
FLOW_DEFINITION = (
    "Turn-taking events that the agent handled right, over all of them: turns answered before the caller gave up, "
    "eligible interruptions yielded to, disturbances ignored, and turns that it did not cut into. A threshold takes it from 0 to 1, the report tells it from 0 to 100."
)


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
