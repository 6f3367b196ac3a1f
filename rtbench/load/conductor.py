"""Where a run is led and its rows are kept: a local runner, or the master of several workers.

Locust's ordinary end of a run loses what workers still hold, so the run is drained here while
`test_stopping` is handled: every worker is asked to end its calls, and waited for until it has handed
over its rows and said so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, Runner
from msgspec import structs

from rtbench.core.emulator_load import TABLE as EMULATOR_LOAD
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.core.errors import RtbenchError, RunInvalid
from rtbench.corpus.folder import find_corpus
from rtbench.engine.messages import Configure
from rtbench.engine.target import EMULATOR, named_target
from rtbench.load.caller_pool import CallerPool, Sink
from rtbench.load.embedded_emulator import EmbeddedEmulator
from rtbench.load.first_failure import FirstFailure
from rtbench.load.messages import (
    ARRIVAL,
    BEGIN,
    DRAIN,
    DRAINED,
    FAILED,
    LEVEL,
    READY,
    WorkerReport,
    failure_of,
)
from rtbench.load.row_channel import ROWS, unpack_rows
from rtbench.load.run_keeper import RunKeeper, RunSettings
from rtbench.load.turnstile import Turnstile
from rtbench.results.reconciliation import Reconciliation
from rtbench.scenario.model import Scenario

USERS_PER_WORKER = 1_000_000
"""Distance of the user numbers of two workers: more than one process can hold."""

READY_TIMEOUT_S = 90.0
"""For a worker's engine to come up, beside others on a busy machine."""

GRACE_S = 20.0
"""What a worker may take, beyond its callers' own time, to end its engine and send its last rows."""

GONE_GRACE_S = 3.0
"""For calls to end by themselves when the embedded emulator is dead. Over a WebSocket they are lost at once; over WebRTC
nobody tells them, and ICE's consent lasts for half a minute (RFC 7675, 5.1)."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Score:
    """What is to be played: read when a run begins, as Locust's page may change it between two runs."""

    scenarios: Callable[[], list[tuple[Path, Scenario]]]
    settings: Callable[[], RunSettings]
    sessions_planned: Callable[[], int | None]
    """Asked at the end of a run; None where time bounded it."""


class Conductor:
    """Begins runs, sees to them, ends them, and counts what came back."""

    def __init__(
        self, environment: Environment, score: Score, watch: Sink, failure: FirstFailure, *, shaped: bool
    ) -> None:
        """Listen to Locust's events, and to the workers where there are any."""
        self.keeper: RunKeeper | None = None
        self.ended: RunKeeper | None = None
        """The run that ended last."""

        self.target = ""
        """Base URL that is called."""

        self.emulator: EmbeddedEmulator | None = None
        self.pool: CallerPool | None = None
        self.turnstile: Turnstile | None = None
        self.level = 0
        """Callers wanted in a closed load, calls that have come in an open one, where the load has a shape."""

        self.abort = False
        """End calls at once instead of after their turn."""

        self._environment = environment
        self._score = score
        self._watch = watch
        self._failure = failure
        self._shaped = shaped
        self._workers: dict[str, str] = {}
        self._ready: set[str] = set()
        self._reports: dict[str, WorkerReport] = {}
        self._arrivals = 0
        self._turns_of_workers = count()
        self._ticker: gevent.Greenlet | None = None
        self._ending: Event | None = None
        """None until somebody stops the run; set once it has ended."""

        runner = self._runner
        if isinstance(runner, MasterRunner):
            runner.register_message(ROWS, self._take_rows)
            runner.register_message(DRAINED, self._take_report)
            runner.register_message(READY, lambda msg, **_: self._ready.add(msg.node_id))
            runner.register_message(FAILED, lambda msg, **_: self._failure.tell(failure_of(msg.data)))
        environment.events.test_stopping.add_listener(self._test_stopping)
        environment.events.quit.add_listener(lambda **_: self._stop_emulator())

    @property
    def _runner(self) -> Runner:
        runner = self._environment.runner
        assert runner is not None
        return runner

    def begin(self) -> None:
        """Make the run directory, start what the run needs, and make the callers' engines ready.

        Raises RtbenchError where that cannot be done; nothing of it is then left.
        """
        self._failure.forget()
        self._ending = None
        try:
            self._begin()
        except BaseException as error:
            self._give_up()
            if isinstance(error, RtbenchError):
                self._failure.tell(error)
            raise

    def set_level(self, users: int) -> None:
        """So many callers are wanted from now on, over all workers."""
        self.level = users
        if self.turnstile is not None:
            self.turnstile.set_level(users)
        present = self._at_work()
        for index, client_id in enumerate(present):
            share = users // len(present) + (index < users % len(present))
            self._runner.send_message(LEVEL, {"users": share}, client_id)

    def arrive(self) -> None:
        """One call is due now; workers take their turns."""
        self._arrivals += 1
        self.level = self._arrivals
        present = self._at_work()
        if self.turnstile is not None:
            self.turnstile.arrive()
        elif present:
            self._runner.send_message(ARRIVAL, None, present[next(self._turns_of_workers) % len(present)])

    def _begin(self) -> None:
        runner, settings = self._runner, self._score.settings()
        scenarios = self._score.scenarios()
        self._reports, self._workers, self._ready, self._arrivals = {}, {}, set(), 0
        self.keeper = RunKeeper(scenarios, settings)
        target = settings.target if settings.target != EMULATOR else self._start_emulator(scenarios, settings)
        self.target = target
        configure = Configure(
            worker="w0",
            scenarios=[str(path) for path, _ in scenarios],
            target=target,
            dialect=named_target(target).dialect,
            transport=settings.transport,
            codec=settings.codec,
            run_directory=str(self.keeper.directory.path),
        )
        if isinstance(runner, LocalRunner):
            self.turnstile = Turnstile() if self._shaped else None
            self.pool = CallerPool(self._environment, configure, self._keep)
        elif isinstance(runner, MasterRunner):
            for index, client in enumerate(_present(runner)):
                self._workers[client.id] = configure.worker = f"w{index}"
                configure.first_user = index * USERS_PER_WORKER
                beginning = {
                    "configure": structs.asdict(configure),
                    "shaped": self._shaped,
                    "user_classes": [each.__name__ for each in self._environment.user_classes],
                }
                runner.send_message(BEGIN, beginning, client.id)
            self._await_ready()
        self._ticker = gevent.spawn(self._tick)

    def _give_up(self) -> None:
        keeper, self.keeper = self.keeper, None
        if isinstance(self._runner, MasterRunner):
            self._drain_workers(0.0, abort=True)
        self._stop_emulator()
        if keeper is not None:
            keeper.discard()

    def _await_ready(self) -> None:
        """Users are spawned only once every worker can hold calls; Locust counts them wrongly otherwise."""
        with gevent.Timeout(READY_TIMEOUT_S, False):
            while self._failure.error is None and self._ready < self._awaited_workers():
                gevent.sleep(0.05)
        if self._failure.error is not None:
            raise self._failure.error
        if missing := sorted(self._workers[client] for client in self._workers.keys() - self._ready):
            raise RunInvalid(f"Of {len(self._workers)} workers {', '.join(missing)} did not become ready.")

    def _start_emulator(self, scenarios: Sequence[tuple[Path, Scenario]], settings: RunSettings) -> str:
        assert self.keeper is not None
        self._stop_emulator()
        path, first = scenarios[0]
        corpus = find_corpus(first.corpus, path.parent)
        codecs = settings.codecs([scenario for _, scenario in scenarios])
        log = self.keeper.directory.emulator_log
        self.emulator = EmbeddedEmulator(first.emulator, corpus, log, codecs)
        return self.emulator.url

    def _tick(self) -> None:
        """Once a second, as long as the run lasts: rows to disk, and a look at who is still alive."""
        while True:
            gevent.sleep(1.0)
            if self.keeper is not None:
                self.keeper.recorder.flush_if_due()
            if self.emulator is not None and (load := self.emulator.note_load()) is not None:
                self._show(EMULATOR_LOAD, load)
            self._notice_failures()

    def _notice_failures(self) -> None:
        runner, failure = self._runner, self._failure
        if self.emulator is not None and (death := self.emulator.death()) is not None:
            failure.tell(death)
        if self.pool is not None and self.pool.failure is not None:
            failure.tell(self.pool.failure)
        if self.keeper is not None and self.keeper.recorder.troubles:
            failure.tell(RunInvalid(self.keeper.recorder.troubles[0]))
        if isinstance(runner, MasterRunner):
            heard_of = {client.id for client in _present(runner)} | self._reports.keys()
            for client_id in self._workers.keys() - heard_of:
                failure.tell(RunInvalid(f"Worker {self._workers[client_id]} went missing in mid-run."))

    def _test_stopping(self, **_: Any) -> None:
        if self._ending is not None:  # by whoever was first: the page's button, the time, a signal
            self._ending.wait()
        if self.keeper is None:
            return
        self._ending, timeout_s = Event(), self._environment.stop_timeout
        if self.emulator is not None and self.emulator.death() is not None:
            timeout_s = min(timeout_s, GONE_GRACE_S)
        try:
            if isinstance(self._runner, MasterRunner):
                self._drain_workers(timeout_s, abort=self.abort)
            elif self.pool is not None:
                self.pool.end(timeout_s, abort=self.abort)
                self._reports["local"] = WorkerReport.of(self.pool, self.turnstile)
            self._end_run()
        finally:
            self._ending.set()

    def _drain_workers(self, timeout_s: float, *, abort: bool) -> None:
        self._runner.send_message(DRAIN, {"timeout_s": timeout_s, "abort": abort})
        with gevent.Timeout(timeout_s + GRACE_S, False):
            while self._awaited_workers():
                gevent.sleep(0.05)

    def _awaited_workers(self) -> set[str]:
        return set(self._at_work()) - set(self._reports)

    def _at_work(self) -> list[str]:
        """Workers of this run that have not gone missing; none where callers are in this process."""
        runner = self._runner
        if not isinstance(runner, MasterRunner):
            return []
        there = {client.id for client in _present(runner)}
        return [client_id for client_id in self._workers if client_id in there]

    def _end_run(self) -> None:
        self._notice_failures()  # all may have hung up before the next tick
        keeper, self.keeper = self.keeper, None
        assert keeper is not None
        if self._ticker is not None:
            self._ticker.kill()
        load = self.emulator.load if self.emulator is not None else EmulatorLoad()
        self._stop_emulator()
        self.ended = keeper
        reports = list(self._reports.values())
        received = keeper.recorder.received
        keeper.end(
            Reconciliation(
                workers_planned=max(1, len(self._workers)),
                workers_finished=len(reports),
                engines_died=sum(report.engine_died for report in reports),
                engines_silent=sum(report.engine_fell_silent for report in reports),
                rows_sent=sum(report.rows_sent for report in reports),
                rows_received=received["turns"] + received["sessions"] - keeper.recorder.rows_lost,
                sessions_planned=self._arrivals or self._score.sessions_planned(),
                sessions_started=sum(report.sessions_started for report in reports),
                sessions_finished=received["sessions"],
                sessions_not_started=sum(report.sessions_not_started for report in reports),
                emulator_cpu_share=load.cpu_share,
                emulator_loop_lag_ms=load.loop_lag_ms,
                interrupted=self.abort,
            )
        )
        for trouble in keeper.recorder.troubles:
            self._failure.tell(RunInvalid(trouble))
        for report in reports:
            if report.trace_error and self._failure.error is None:
                _logger.error(report.trace_error)
        _logger.info("the run's rows are in %s; `rtbench report` makes its report", keeper.directory.path)

    def _stop_emulator(self) -> None:
        if self.emulator is not None:
            self.emulator.stop()
            self.emulator = None

    def _take_rows(self, msg: Any, **_: Any) -> None:
        for table, row in unpack_rows(msg.data):
            self._keep(table, row)

    def _keep(self, table: str, row: dict[str, Any]) -> None:
        if self.keeper is not None:
            self.keeper.recorder.take(table, row)
            self._show(table, row)

    def _show(self, table: str, row: dict[str, Any]) -> None:
        """To who watches; a defect there ends the run, and costs none of the rows that follow."""
        try:
            self._watch(table, row)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self._failure.tell(RunInvalid(f"The run could not be watched any longer ({what})."))

    def _take_report(self, msg: Any, **_: Any) -> None:
        self._reports[msg.node_id] = WorkerReport(**msg.data)


def _present(master: MasterRunner) -> list[Any]:
    """The master's workers, without those that went missing, which Locust goes on listing."""
    return [client for client in master.clients.all if client.state != STATE_MISSING]
