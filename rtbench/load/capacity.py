"""The holding of a capacity search: one run whose load goes where the search sends it.

One run for all steps, as callers who stay are cheaper to judge than new ones: nothing has to be started
anew, and the service is seen as it is seen by people, with calls that began under another load. After
a load that broke all hang up before the next one, so that no backlog is carried over. What came in
while a load was being reached, and while it settled, is in the run's tables but not in the step's
figures.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent

from rtbench.analysis.capacity_search import Found, Judgement, Search, Trial, search
from rtbench.analysis.capacity_step import StepResult, enough, measure_step, needed
from rtbench.clock import NS_PER_S, monotonic_ns, unix_ns
from rtbench.core.emulator_load import TABLE as EMULATOR_LOAD
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.load.course import Lead
from rtbench.results.reader import part_of_run
from rtbench.results.run_directory import RunDirectory
from rtbench.scenario.shape import arrivals_s
from rtbench.scenario.threshold_metric import measured_on

KEPT_CALLS = 50
"""Lengths of the last calls, by which it is known how long a load needs to settle."""

RETRIES = 2
"""Of a step in which the generator was late: a busy moment of the machine is no limit."""

ROW_TABLES = ("turns", "sessions", "stimuli")

STEP_S = 1.0
"""How often it is looked whether there are enough samples."""


class CapacitySearch:
    """A search under way; `drive` is its course, and `watch` sees the run's rows."""

    def __init__(
        self, plan: CapacityPlan, note: Callable[[StepResult], None], course: Search | None = None
    ) -> None:
        """`note(result)` is called after every step; `course` is another order of loads than the search's own."""
        self.steps: list[StepResult] = []
        self.found: Found | None = None
        """None until the search has come to its end."""

        self._plan = plan
        self._note = note
        self._course = course or search(plan.search)
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._emulator = EmulatorLoad()
        self._measuring_since_ns: int | None = None
        self._level = 0
        self._call_lengths_s: deque[float] = deque(maxlen=KEPT_CALLS)
        self._sessions: dict[str, int] = {}
        self._most_open = 0
        self._arrivals: gevent.Greenlet | None = None
        self._random = random.Random(plan.seed)

    def watch(self, table: str, row: dict[str, Any]) -> None:
        """A row of the run."""
        if table == "sessions" and row["outcome"] == "completed":
            self._call_lengths_s.append((row["ended_ns"] - row["planned_ns"]) / NS_PER_S)
        elif table == "generator":
            self._sessions[row["worker"]] = row["sessions"]
            self._most_open = max(self._most_open, sum(self._sessions.values()))
        elif table == EMULATOR_LOAD:
            self._emulator.take(row)
        if self._measuring_since_ns is not None and self._belongs(table, row):
            self._rows.setdefault(table, []).append(dict(row))

    def drive(self, lead: Lead) -> None:
        """Hold load after load until the search is over, or until it is stopped; then nobody is to call any more.

        The reference session hangs up as well, but is not waited for: the others' calls would go on, and
        cost money, for as long.
        """
        if self._plan.reference is not None:
            self._plan.reference.start(lead.target)
        try:
            course = self._course
            trial = next(course)
            while True:
                result = self._hold(lead, trial)
                for _ in range(RETRIES):
                    if result.judgement is not Judgement.GENERATOR:
                        break
                    result = self._hold(lead, trial)
                trial = course.send(result.judgement)
        except StopIteration as over:
            self.found = over.value
        finally:
            if self._arrivals is not None:
                self._arrivals.kill()
            if self._plan.reference is not None:
                self._plan.reference.hang_up()
            lead.set_level(0)

    def _hold(self, lead: Lead, trial: Trial) -> StepResult:
        times = self._plan.times
        if self.steps and self.steps[-1].judgement is not Judgement.HOLDS:
            self._rest(lead)
        self._reach(lead, trial.level)
        self._settle()
        factor = times.soak if trial.phase == "soak" else 1.0
        self._rows, self._emulator, self._measuring_since_ns = {}, EmulatorLoad(), unix_ns()
        self._most_open = 0
        start_ns = monotonic_ns()
        while True:
            gevent.sleep(STEP_S)
            seconds = (monotonic_ns() - start_ns) / NS_PER_S
            if seconds < times.hold_s * factor:
                continue
            last = seconds >= times.longest_s * factor
            if not last and not self._may_be_enough(times.samples * factor):
                continue
            result = self._measure(trial, self._measuring_since_ns, seconds)
            if last or enough(result.slos, times.samples * factor):
                break
        self._measuring_since_ns = None
        if self._capped(result):
            result = replace(result, judgement=Judgement.CAP)
        self.steps.append(result)
        self._note(result)
        return result

    def _capped(self, result: StepResult) -> bool:
        """Whether fewer calls may have begun than were asked for, and that is what keeps the step from telling anything:
        an SLO that broke under the smaller load would have broken under the whole one."""
        return (
            self._plan.open_load
            and self._most_open >= self._plan.most_users
            and result.judgement in (Judgement.HOLDS, Judgement.UNKNOWN)
        )

    def _may_be_enough(self, factor: float) -> bool:
        """Whether there are as many rows as samples are needed; to measure is work for a moment that counts."""
        tables = {slo: measured_on(slo.metric) for slo in self._plan.slos}
        return all(
            len(self._rows.get(table, ())) >= factor * needed(slo)
            for slo, table in tables.items()
            if table in ROW_TABLES
        )

    def _rest(self, lead: Lead) -> None:
        """Nobody calls until all have hung up: a backlog that one load has left would be the next one's fault."""
        if self._arrivals is not None:
            self._arrivals.kill()
            self._arrivals = None
        lead.set_level(0)
        self._level, begin_ns = 0, monotonic_ns()
        while (monotonic_ns() - begin_ns) / NS_PER_S < self._plan.times.longest_s:
            gevent.sleep(STEP_S)
            if not any(self._sessions.values()):
                return

    def _reach(self, lead: Lead, level: float) -> None:
        """Up or down to the load, evenly."""
        if self._plan.open_load:
            if self._arrivals is not None:
                self._arrivals.kill()
            self._arrivals = gevent.spawn(self._arrive, lead, level)
            return
        # The reference session is one of them.
        wanted = max(0, round(level) - (self._plan.reference is not None))
        start, begin_ns = self._level, monotonic_ns()
        while self._level != wanted:
            way = min(1.0, (monotonic_ns() - begin_ns) / NS_PER_S / self._plan.times.reach_s)
            self._level = round(start + (wanted - start) * way)
            lead.set_level(self._level)
            gevent.sleep(0.1)

    def _arrive(self, lead: Lead, rate: float) -> None:
        start_ns = monotonic_ns()
        for at_s in arrivals_s(rate, self._plan.arrivals, self._random):
            gevent.sleep(max(0.0, at_s - (monotonic_ns() - start_ns) / NS_PER_S))
            lead.arrive()

    def _settle(self) -> None:
        """Until calls that began under the load before have ended, where those are judged."""
        times, begin_ns = self._plan.times, monotonic_ns()
        while True:
            gevent.sleep(0.25)
            waited_s = (monotonic_ns() - begin_ns) / NS_PER_S
            call_s = max(self._call_lengths_s, default=times.longest_s) if self._plan.sees_sessions else 0.0
            if waited_s >= max(times.settle_s, min(call_s, times.longest_s)):
                return

    def _belongs(self, table: str, row: dict[str, Any]) -> bool:
        """To what is measured: turns spoken since it began, and seconds of the generator that lie in it."""
        if table == "turns":
            return bool(row["at_unix_ns"] >= (self._measuring_since_ns or 0))
        if table == "generator":
            begin_ns = row["at_unix_ns"] - round(row["interval_ms"] * 1e6)
            return bool(begin_ns >= (self._measuring_since_ns or 0))
        return table in ("sessions", "stimuli")

    def _measure(self, trial: Trial, since_ns: int, seconds: float) -> StepResult:
        plan = self._plan
        provenance = {"transport": plan.transport, "scenarios": [{"name": plan.scenario}]}
        run = part_of_run(RunDirectory(Path()), provenance, self._rows)
        return measure_step(
            run, trial, since_ns, seconds, plan.slos, tolerant=plan.tolerant, emulator=self._emulator
        )
