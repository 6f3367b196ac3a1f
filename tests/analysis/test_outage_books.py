"""Books of outages that balance, and how each of them can fail to."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.outage_books import imbalances
from rtbench.results import schema
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory

SESSIONS = [
    {"session": "s1", "cuts": 2, "cuts_unseen": 1, "turns_lost": 2},
    {"session": "s2", "cuts": 1, "cuts_unseen": 0, "turns_lost": 1},
]
INCIDENTS = [
    {"session": "s1", "injected": "reset", "outcome": "recovered", "lost_turns": 1},
    {"session": "s1", "injected": "", "outcome": "gave_up", "lost_turns": 1},
    {"session": "s2", "injected": "reset", "outcome": "ended", "lost_turns": 1},
]


def told(sessions=SESSIONS, incidents=INCIDENTS, started: int = 2) -> list[str]:
    return imbalances(
        Run(
            directory=RunDirectory(Path("x")),
            provenance={"reconciliation": Reconciliation(sessions_started=started).as_dict()},
            turns=pd.DataFrame(),
            sessions=pd.DataFrame(sessions),
            stimuli=pd.DataFrame(),
            generator=pd.DataFrame(),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
            incidents=pd.DataFrame(incidents, columns=schema.INCIDENTS.names),
        )
    )


def changed(rows: list[dict], index: int, **fields) -> list[dict]:
    return [{**row, **fields} if at == index else row for at, row in enumerate(rows)]


def test_books_that_balance_have_nothing_to_tell() -> None:
    assert told() == []
    assert (
        told(
            sessions=[{"session": "s1", "cuts": 0, "cuts_unseen": 0, "turns_lost": 0}],
            incidents=[],
            started=1,
        )
        == []
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"sessions": changed(SESSIONS, 1, cuts=2)},
            "4 breaks by the callers, 2 incidents of theirs and 1 that made none",
        ),
        ({"incidents": changed(INCIDENTS, 2, outcome="")}, "1 incidents without an outcome"),
        (
            {"sessions": changed(SESSIONS, 1, turns_lost=2)},
            "1 sessions have lost other turns (4) than their incidents have cost (3)",
        ),
        ({"started": 3}, "3 sessions started, and 2 rows of sessions"),
    ],
)
def test_each_sum_is_told_that_does_not_agree(wrong, sentence) -> None:
    assert told(**wrong) == [sentence]


def test_an_incident_needs_the_row_of_its_session() -> None:
    assert "1 incidents of sessions without a row" in told(incidents=changed(INCIDENTS, 1, session="s9"))
