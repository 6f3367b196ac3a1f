"""The worst turns and interruptions of a run: those to look at first."""

from __future__ import annotations

import pandas as pd

from rtbench.core.answers import UNANSWERED

COUNT = 5
MAX_UNANSWERED = 2
"""Silence looks alike: one picture for each of two ways of being silent leaves room for the slow answers."""


def worst_turns(turns: pd.DataFrame, count: int = COUNT) -> pd.DataFrame:
    """At most `count` rows of `turns`, worst first: the longest unanswered ones, then the slowest answers.

    Void turns are left out, as their delay is not the service's.
    """
    valid = turns[~turns["void"] & turns["expects_answer"]]
    silent = valid[valid["outcome"].isin(UNANSWERED) & valid["voice_to_voice_ms"].isna()]
    waits_ns = silent["closed_ns"] - silent["user_speech_end_ns"]
    silent = silent.loc[waits_ns.sort_values(ascending=False, kind="stable").index]
    silent = silent.drop_duplicates("outcome").head(MAX_UNANSWERED)
    slowest = valid[valid["voice_to_voice_ms"].notna()].nlargest(count - len(silent), "voice_to_voice_ms")
    return pd.concat([silent, slowest]).reset_index(drop=True)


def worst_stimuli(stimuli: pd.DataFrame, count: int = COUNT) -> pd.DataFrame:
    """At most `count` rows of `stimuli`, worst first.

    Interruptions that were missed come first, then those after which the agent was heard longest; what
    room is left goes to disturbances that it fell for. Void ones are left out.
    """
    valid = stimuli[~stimuli["void"]]
    missed = valid[valid["yielded"].eq(0.0)]
    # One that the agent was never silent after has no heard stop: it is the longest of all.
    stops_ms = missed["barge_in_heard_stop_ms"].fillna(float("inf"))
    missed = missed.loc[stops_ms.sort_values(ascending=False, kind="stable").index]
    stopped = valid[valid["barge_in_heard_stop_ms"].notna() & ~valid.index.isin(missed.index)]
    slowest = stopped.nlargest(count, "barge_in_heard_stop_ms")
    fallen_for = valid[valid["false_interruption"].eq(1.0)]
    return pd.concat([missed, slowest, fallen_for]).head(count).reset_index(drop=True)
