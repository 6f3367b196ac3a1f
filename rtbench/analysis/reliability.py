"""How a run's connections fared: outages and how they ended, storms, errors by class and phase, and what was injected beside what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from rtbench.analysis.injected import Injected
from rtbench.analysis.injected_faults import injected_faults
from rtbench.analysis.metric_summary import MetricSummary, summarise_metric
from rtbench.analysis.outage_books import imbalances
from rtbench.analysis.rates import Rate, rate
from rtbench.analysis.samples import Rows
from rtbench.analysis.storms import Storm, begun_tries_ns, find_storms, most_tries_in_a_second
from rtbench.core.answers import GIVEN_UP
from rtbench.core.metrics import INCIDENT_METRICS
from rtbench.results.reader import Run


@dataclass(frozen=True, slots=True)
class Reliability:
    """The connections of a run."""

    incidents: dict[str, int]
    """Outages by outcome; rotations apart, as `rotation`."""

    metrics: list[MetricSummary]
    """Of outages. One that was given up counts in every wait for its end, as infinitely long (see `samples`)."""

    recovered: Rate
    context_retained: Rate
    errors: pd.DataFrame
    """Columns error_class, phase, count; the most frequent first."""

    injected: list[Injected]
    counts: dict[str, int]
    """Totals over all sessions. `attempts` are those to connect in outages, as `incident_attempts` counts them;
    `attempts_per_second_peak` is the most of them that began within any one second, by the callers' own count;
    `never_recovered` are sessions that gave an outage up, of `lost_connection`, which had one."""

    storms: list[Storm] = field(default_factory=list)
    imbalances: list[str] = field(default_factory=list)
    """Sums that should agree and do not, as sentences (see `outage_books`)."""

    @property
    def never_recovered_share(self) -> float | None:
        """Of the sessions that had an outage, those that gave one up."""
        lost = self.counts["lost_connection"]
        return self.counts["never_recovered"] / lost if lost else None

    @property
    def all_found(self) -> bool:
        """Every fault; of the service's ways to take its turns the table tells how many showed."""
        return all(each.found >= each.injected or each.is_behaviour for each in self.injected)


def summarise_reliability(run: Run) -> Reliability | None:
    """Sum up; None where no connection was lost, no error met, and nothing broken on purpose."""
    cuts = _total(run.sessions, "cuts")
    if run.incidents.empty and run.mishaps.empty and run.faults.empty and not cuts:
        return None
    incidents, turns, rows = run.incidents, run.turns, Rows.of(run)
    return Reliability(
        incidents=_outcomes(incidents),
        metrics=[
            summarise_metric(metric.name, "incidents", rows)
            for metric in INCIDENT_METRICS
            if metric.unit != "rate"
        ],
        recovered=_rate(incidents, "recovered"),
        context_retained=_rate(turns, "context_retained"),
        errors=_errors(run.mishaps),
        injected=injected_faults(run),
        counts={
            "attempts": _total(incidents, "incident_attempts"),
            "attempts_per_second_peak": most_tries_in_a_second(begun_tries_ns(incidents)),
            "lost_connection": _sessions(incidents),
            "never_recovered": _sessions(incidents, GIVEN_UP),
            "reconnects": _total(run.sessions, "reconnects"),
            "rotations": _total(run.sessions, "rotations"),
            "turns_lost": _total(run.sessions, "turns_lost"),
            "fell_back": _total(run.sessions, "fell_back"),
            "rate_limited": _total(run.sessions, "rate_limited"),
        },
        storms=find_storms(incidents, run.sessions),
        imbalances=imbalances(run),
    )


def _outcomes(incidents: pd.DataFrame) -> dict[str, int]:
    if incidents.empty:
        return {}
    shown = incidents["outcome"].mask(incidents["kind"].eq("rotation"), "rotation")
    return {str(name): int(count) for name, count in shown.value_counts().items()}


def _sessions(incidents: pd.DataFrame, outcome: str = "") -> int:
    """Sessions with an outage, or with one that ended so."""
    if incidents.empty:
        return 0
    outages = incidents[incidents["kind"].ne("rotation") | incidents["outcome"].eq(GIVEN_UP)]
    return int(outages[outages["outcome"].eq(outcome) | (outcome == "")]["session"].nunique())


def _rate(rows: pd.DataFrame, column: str) -> Rate:
    there = rows[column].dropna() if column in rows else pd.Series(dtype=float)
    sessions = rows["session"].reindex(there.index) if len(there) else pd.Series(dtype=object)
    return rate(there.to_numpy(np.float64), sessions)


def _errors(mishaps: pd.DataFrame) -> pd.DataFrame:
    if mishaps.empty:
        return pd.DataFrame({"error_class": [], "phase": [], "count": []})
    counts = mishaps.groupby(["error_class", "phase"]).size().rename("count").reset_index()
    return counts.sort_values(["count", "error_class"], ascending=[False, True], ignore_index=True)


def _total(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].fillna(0).sum()) if column in rows else 0
