"""The books of a run's outages: what is counted of them in more than one place has to come to the same, to the row."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation

_OUTCOMES = ("recovered", "fell_back", "gave_up", "ended")


def imbalances(run: Run) -> list[str]:
    """Sums that do not agree, as sentences; none where all do.

    Every break by the caller's own side is an incident of its own or is known to have made none; every incident has an
    outcome; the turns that sessions have lost are those that their incidents have cost; and a session that was started
    has its row.
    """
    return [*_of_incidents(run.sessions, run.incidents), *_of_sessions(run)]


def _of_incidents(sessions: pd.DataFrame, incidents: pd.DataFrame) -> Iterator[str]:
    cuts, unseen = _sum(sessions, "cuts"), _sum(sessions, "cuts_unseen")
    injected = int(incidents["injected"].fillna("").ne("").sum()) if "injected" in incidents else 0
    if cuts != injected + unseen:
        yield f"{cuts} breaks by the callers, {injected} incidents of theirs and {unseen} that made none"
    if incidents.empty:
        return
    strange = incidents[~incidents["outcome"].isin(_OUTCOMES)]
    if len(strange):
        yield f"{len(strange)} incidents without an outcome"
    names = set(sessions["session"])
    stray = incidents[~incidents["session"].isin(names)]
    if len(stray):
        yield f"{len(stray)} incidents of sessions without a row"
    by_incident = incidents.groupby("session")["lost_turns"].sum() if "lost_turns" in incidents else None
    if by_incident is None or "turns_lost" not in sessions:
        return
    by_session = sessions.set_index("session")["turns_lost"].fillna(0)
    differ = by_session.ne(by_incident.reindex(by_session.index).fillna(0))
    if differ.any():
        yield (
            f"{int(differ.sum())} sessions have lost other turns ({int(by_session.sum())}) than their incidents have cost "
            f"({int(by_incident.sum())})"
        )


def _of_sessions(run: Run) -> Iterator[str]:
    counted = run.provenance.get("reconciliation")
    if not counted:
        return
    reconciliation = Reconciliation.from_dict(counted)
    if reconciliation.sessions_started and reconciliation.sessions_started != len(run.sessions):
        yield f"{reconciliation.sessions_started} sessions started, and {len(run.sessions)} rows of sessions"


def _sum(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].fillna(0).sum()) if column in rows else 0
