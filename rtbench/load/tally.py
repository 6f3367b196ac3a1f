"""What a run has come to so far, for those who watch it by machine: counts, states and distributions.

Durations are in seconds. A void turn is counted as one, and is in no distribution. An answer that never
came is among the longest waits: in the bucket without an end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import get_args

from rtbench.core.sessions import SessionOutcome
from rtbench.core.turns import TurnOutcome
from rtbench.core.validity import Level
from rtbench.load.distribution import Distribution
from rtbench.load.family import Family, Labels
from rtbench.load.live_verdict import LiveVerdict
from rtbench.load.measured import (
    COUNTS,
    ENGINE_GAUGES,
    LABELS_OF_TABLE,
    LATENESS_BOUNDS_S,
    RATES,
    RATES_TOLD,
    TOKENS,
    WAIT_BOUNDS_S,
    WAITS,
    Row,
    labels_of,
    readers,
)
from rtbench.scenario.budget import BudgetMeter

OTHER = "other"
MOST_ERROR_LABELS = 50
"""A service can invent error codes without end; what comes after so many is counted as OTHER."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""An error's class as a service is meant to name it. Sentences, which may hold what a caller said, are no labels."""

_WAITS_OF = readers(WAITS)
_RATES_OF = readers(RATES)


class Tally:
    """Takes a run's rows as they come in, and tells what they come to."""

    def __init__(
        self, verdict: LiveVerdict, wanted: Callable[[], int] | None, meter: BudgetMeter | None
    ) -> None:
        """`verdict` sees the same rows; `wanted` says how many callers there are to be now, None where calls come by
        themselves."""
        self._verdict = verdict
        self._wanted = wanted
        self._meter = meter
        self._counts: dict[str, defaultdict[Labels, float]] = {
            name: defaultdict(float, {} if count.label_names else {(): 0.0}) for name, count in COUNTS.items()
        }
        # What can be named is there from the beginning: a count that begins at 1 has no rate.
        self._counts["turns"].update({(outcome,): 0.0 for outcome in get_args(TurnOutcome)})
        self._counts["sessions_ended"].update({(outcome,): 0.0 for outcome in get_args(SessionOutcome)})
        self._counts["tokens"].update({(kind,): 0.0 for kind in TOKENS})
        self._cases: dict[Labels, float] = {(rate, met): 0.0 for rate in RATES for met in ("true", "false")}
        self._waits: dict[str, dict[Labels, Distribution]] = {name: {} for name in WAITS}
        self._engines: dict[str, Row] = {}

    def take(self, table: str, row: Row) -> None:
        """One row of a table."""
        if table == "turns":
            self._take_turn(row)
        elif table == "sessions":
            self._count("sessions_ended", row["outcome"])
            self._count("rows_received")
        elif table == "stimuli":
            self._count("stimuli", row["kind"])
        elif table == "incidents":
            self._count("incidents", row["kind"], row["outcome"])
            self._count("lost_turns", by=row["lost_turns"] or 0)
        elif table == "mishaps":
            self._take_mishap(row)
        elif table == "generator":
            self._engines[row["worker"]] = row
            self._count("frames_sent", by=row["frames_sent"])
            self._count("call_time", by=row["sessions"] * row["interval_ms"] / 1000)
        self._take_values(table, row)

    def families(self) -> list[Family]:
        """All that is known now."""
        counters = [
            Family(name, count.told, "counter", count.unit, count.label_names, self._counts[name])
            for name, count in COUNTS.items()
        ]
        cases = Family("rate_cases", RATES_TOLD, "counter", label_names=("rate", "met"), numbers=self._cases)
        return [*counters, cases, *self._states(), *self._engine(), *self._budget(), *self._durations()]

    def _take_turn(self, row: Row) -> None:
        self._count("rows_received")
        self._count("turns", row["outcome"])
        self._count("void_turns", by=row["void"])
        self._count("cost", by=row["cost_usd"] or 0.0)
        for kind in TOKENS:
            self._count("tokens", kind, by=row[f"{kind}_tokens"] or 0)
        self._count("cached_tokens", by=row["cached_tokens"] or 0)

    def _take_mishap(self, row: Row) -> None:
        error_class, known = row["error_class"], self._counts["errors"]
        labels = (error_class if _NAME.fullmatch(error_class) else OTHER, row["phase"])
        if labels not in known and len(known) >= MOST_ERROR_LABELS:
            labels = (OTHER, OTHER)
        self._count("errors", *labels)

    def _take_values(self, table: str, row: Row) -> None:
        labels = labels_of(table, row)
        for name, read in _WAITS_OF.get(table, {}).items():
            waits = self._waits[name]
            for value_ms in read(row):
                if labels not in waits:
                    waits[labels] = Distribution(WAIT_BOUNDS_S)
                waits[labels].add(value_ms / 1000)
        for name, read in _RATES_OF.get(table, {}).items():
            for value in read(row):
                self._cases[name, "true" if value else "false"] += 1

    def _count(self, name: str, *labels: str, by: float = 1) -> None:
        self._counts[name][labels] += by

    def _states(self) -> list[Family]:
        doubts = self._verdict.doubts()
        level = doubts[0].level if doubts else Level.VALID
        sessions: dict[Labels, float] = {
            ("open",): sum(row["sessions"] for row in self._engines.values()),
        }
        if self._wanted is not None:
            sessions["wanted",] = self._wanted()
        levels: dict[Labels, float] = {(str(each),): float(each is level) for each in Level}
        told = "Sessions now: those that are open, and as many as are wanted where the load is a number of callers."
        of_run = "How far the run can be trusted so far: 1 for the level that holds."
        return [
            Family("sessions", told, "gauge", "", ("state",), sessions),
            Family("verdict", of_run, "gauge", "", ("level",), levels),
        ]

    def _engine(self) -> list[Family]:
        gauges = [
            Family(name, gauge.told, "gauge", gauge.unit, ("worker",), self._by_worker(gauge.column, gauge.factor))
            for name, gauge in ENGINE_GAUGES.items()
        ]  # fmt: skip
        told = "Rows of turns and sessions that an engine has handed over."
        written = self._by_worker("rows_written", 1)
        return [*gauges, Family("rows_written", told, "counter", "", ("worker",), written)]

    def _by_worker(self, column: str, factor: float) -> dict[Labels, float]:
        return {(worker,): row[column] * factor for worker, row in self._engines.items()}

    def _budget(self) -> list[Family]:
        meter, told = self._meter, "What the command's runs have spent, and may still spend."
        if meter is None:
            return []
        gauges, left = [], meter.left
        if left.usd is not None:
            parts: dict[Labels, float] = {("spent",): meter.usd, ("left",): left.usd}
            gauges.append(Family("budget", told, "gauge", "USD", ("part",), parts))
        if left.minutes is not None:
            parts = {("spent",): meter.minutes * 60, ("left",): left.minutes * 60}
            gauges.append(Family("budget_call_time", told, "gauge", "s", ("part",), parts))
        return gauges

    def _durations(self) -> list[Family]:
        families = [
            Family(
                name.removesuffix("_ms"), WAITS[name], "histogram", "s", label_names, distributions=self._waits[name]
            )
            for table, label_names in LABELS_OF_TABLE.items()
            for name in _WAITS_OF[table]
        ]  # fmt: skip
        lateness = Distribution(LATENESS_BOUNDS_S)
        recorded = self._verdict.lateness()
        if recorded is not None:
            for item in recorded.get_recorded_iterator():
                lowest_us = recorded.get_lowest_equivalent_value(item.value_iterated_to)
                lateness.add(lowest_us / 1e6, item.count_added_in_this_iter_step)
        told = "Frame sent minus frame due, of every frame: the load generator's own doubt."
        return [*families, Family("send_lateness", told, "histogram", "s", distributions={(): lateness})]
