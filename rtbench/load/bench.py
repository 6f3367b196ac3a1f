"""What rtbench adds to a Locust environment, whoever runs it: `locust` itself, or `rtbench run`.

Where users run (a local runner, a worker) there is a `CallerPool`; where rows are kept (a local
runner, the master) a `RunKeeper`. Locust's ordinary end of a run loses what workers still hold, so
the bench drains by itself while `test_stopping` is handled: the master asks every worker to end its
calls, and waits until each has handed over its rows and said so.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event
from locust import stats
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, Runner, WorkerRunner
from msgspec import structs

from rtbench.core.errors import RtbenchError, RunInvalid, UsageError
from rtbench.corpus.folder import find_corpus
from rtbench.engine.messages import Configure
from rtbench.engine.target import EMULATOR, named_target
from rtbench.load.caller_pool import CallerPool, Sink
from rtbench.load.embedded_emulator import EmbeddedEmulator
from rtbench.load.messages import (
    BEGIN,
    DRAIN,
    DRAINED,
    FAILED,
    READY,
    WorkerReport,
    failure_message,
    failure_of,
)
from rtbench.load.row_channel import ROWS, Outbox, unpack_rows
from rtbench.load.run_keeper import RunKeeper
from rtbench.results.reconciliation import Reconciliation
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario

USERS_PER_WORKER = 1_000_000
"""Distance of the user numbers of two workers: more than one process can hold."""

READY_TIMEOUT_S = 90.0
"""For a worker's engine to come up, beside others on a busy machine."""

GRACE_S = 20.0
"""What a worker may take, beyond its callers' own time, to end its engine and send its last rows."""

OnFailure = Callable[[RtbenchError], None]

_logger = logging.getLogger(__name__)
_benches: WeakKeyDictionary[Environment, Bench] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What the command line says beyond the scenario."""

    target: str = EMULATOR
    transport: str = "websocket"
    out: Path = Path("reports")
    command: Sequence[str] = field(default_factory=lambda: tuple(sys.argv))


class Bench:
    """One environment's bench; `Bench.of(environment)` finds it."""

    def __init__(
        self, environment: Environment, settings: BenchSettings, watch: Sink, on_failure: OnFailure
    ) -> None:
        self.failure: RtbenchError | None = None
        """Why the run cannot go on; the first reason."""

        self.keeper: RunKeeper | None = None
        self.emulator: EmbeddedEmulator | None = None
        self.abort = False
        """End calls at once instead of after their turn."""

        self._environment = environment
        self._settings = settings
        self._watch = watch
        self._on_failure = on_failure
        self._pool: CallerPool | None = None
        self._outbox: Outbox | None = None
        self._workers: dict[str, str] = {}
        self._ready: set[str] = set()
        self._reports: dict[str, WorkerReport] = {}
        self._ticker: gevent.Greenlet | None = None
        self._ending: Event | None = None
        """None until somebody stops the run; set once it has ended."""

        self.ended: RunKeeper | None = None
        """The run that ended last."""

    @classmethod
    def of(cls, environment: Environment) -> Bench:
        """The bench of an environment. Raises KeyError where none was attached."""
        return _benches[environment]

    @classmethod
    def attach(
        cls,
        environment: Environment,
        settings: BenchSettings,
        watch: Sink = lambda table, row: None,
        on_failure: OnFailure = lambda error: None,
    ) -> Bench:
        """Give an environment, whose runner exists, its bench.

        `watch(table, row)` sees every row that is kept; `on_failure(error)` is called once if a run cannot
        begin or go on. Raises UsageError where a scenario cannot be used.
        """
        bench = _benches[environment] = cls(environment, settings, watch, on_failure)
        stats.bucket_response_time = _whole_milliseconds
        environment.stop_timeout = environment.stop_timeout or max(
            (scenario.stop_timeout.s for _, scenario in bench.scenarios()), default=0.0
        )
        runner, events = environment.runner, environment.events
        if isinstance(runner, WorkerRunner):
            runner.register_message(BEGIN, bench._begin_as_worker)
            runner.register_message(DRAIN, bench._drain_as_worker, concurrent=True)
            return bench
        if isinstance(runner, MasterRunner):
            runner.register_message(ROWS, bench._take_rows)
            runner.register_message(DRAINED, bench._take_report)
            runner.register_message(READY, lambda msg, **_: bench._ready.add(msg.node_id))
            runner.register_message(FAILED, bench._take_failure)
        events.test_start.add_listener(bench._test_start)
        events.test_stopping.add_listener(bench._test_stopping)
        events.quit.add_listener(lambda **_: bench._stop_emulator())
        return bench

    @property
    def _runner(self) -> Runner:
        runner = self._environment.runner
        assert runner is not None
        return runner

    @property
    def pool(self) -> CallerPool:
        """The callers of this process. Raises StopUser where the run could not begin."""
        if self._pool is None:
            raise StopUser
        return self._pool

    def scenarios(self) -> list[tuple[Path, Scenario]]:
        """The scenario files of the environment's user classes, each once. Raises UsageError where one cannot be used."""
        users = [user for user in self._environment.user_classes if hasattr(user, "scenario")]
        return list({Path(user.scenario): self.scenario(user.scenario) for user in users}.items())

    def scenario(self, path: str | Path) -> Scenario:
        """A user class's scenario, read once."""
        if not str(path):
            raise UsageError("A RealtimeUser needs `scenario`, the path of a scenario file.")
        return _read_scenario(Path(path))

    def fail(self, error: RtbenchError) -> None:
        """The run cannot go on; the first reason is the one that is told."""
        if self.failure is None:
            self.failure = error
            self._on_failure(error)

    # Where rows are kept: a local runner or the master.

    def _test_start(self, **_: Any) -> None:
        if self.keeper is None and self.scenarios():
            with contextlib.suppress(RtbenchError):  # told by `fail`
                self.begin_run()

    def begin_run(self) -> None:
        """Make the run directory, start what the run needs, and make the callers' engines ready.

        Raises RtbenchError where that cannot be done; nothing of it is then left.
        """
        self.failure = None
        self._ending = None
        try:
            self._begin_run()
        except BaseException as error:
            self._give_up()
            if isinstance(error, RtbenchError):
                self.fail(error)
            raise

    def _give_up(self) -> None:
        keeper, self.keeper = self.keeper, None
        if isinstance(self._runner, MasterRunner):
            self._drain_workers(0.0, abort=True)
        self._stop_emulator()
        if keeper is not None:
            keeper.discard()

    def _begin_run(self) -> None:
        runner, settings = self._runner, self._settings
        scenarios = self.scenarios()
        self._reports, self._workers, self._ready = {}, {}, set()
        target = self._target()
        self.keeper = RunKeeper(scenarios, target, settings.transport, settings.out, settings.command)
        if target == EMULATOR:
            target = self._start_emulator(scenarios[0])
        configure = Configure(
            worker="w0",
            scenarios=[str(path) for path, _ in scenarios],
            target=target,
            dialect=named_target(target).dialect,
            transport=settings.transport,
            run_directory=str(self.keeper.directory.path),
        )
        if isinstance(runner, LocalRunner):
            self._pool = CallerPool(self._environment, configure, self._keep)
        elif isinstance(runner, MasterRunner):
            for index, client in enumerate(_present(runner)):
                self._workers[client.id] = configure.worker = f"w{index}"
                configure.first_user = index * USERS_PER_WORKER
                runner.send_message(BEGIN, structs.asdict(configure), client.id)
            self._await_ready()
        self._ticker = gevent.spawn(self._tick)

    def _target(self) -> str:
        """As Locust does it: `--host` goes before the user class's own."""
        hosts = [user.host for user in self._environment.user_classes if hasattr(user, "scenario")]
        return self._environment.host or next(filter(None, hosts), None) or self._settings.target

    def _await_ready(self) -> None:
        """Users are spawned only once every worker can hold calls; Locust counts them wrongly otherwise."""
        with gevent.Timeout(READY_TIMEOUT_S, False):
            while self.failure is None and self._ready < self._awaited_workers():
                gevent.sleep(0.05)
        if self.failure is not None:
            raise self.failure
        if missing := sorted(self._workers[client] for client in self._workers.keys() - self._ready):
            raise RunInvalid(f"Of {len(self._workers)} workers {', '.join(missing)} did not become ready.")

    def _start_emulator(self, scenario: tuple[Path, Scenario]) -> str:
        assert self.keeper is not None
        self._stop_emulator()
        path, first = scenario
        corpus = find_corpus(first.corpus, path.parent)
        self.emulator = EmbeddedEmulator(first.emulator, corpus, self.keeper.directory.emulator_log)
        return self.emulator.url

    def _tick(self) -> None:
        """Once a second, as long as the run lasts: rows to disk, and a look at who is still alive."""
        while True:
            gevent.sleep(1.0)
            if self.keeper is not None:
                self.keeper.recorder.flush_if_due()
            if self._outbox is not None:
                self._outbox.flush()
            self._notice_failures()

    def _notice_failures(self) -> None:
        runner, pool = self._runner, self._pool
        if self.emulator is not None and (death := self.emulator.death()) is not None:
            self.fail(death)
        if pool is not None and pool.failure is not None and self.failure is None:
            self.fail(pool.failure)
            self._tell_master(pool.failure)
        if self.keeper is not None and self.keeper.recorder.troubles:
            self.fail(RunInvalid(self.keeper.recorder.troubles[0]))
        if isinstance(runner, MasterRunner):
            heard_of = {client.id for client in _present(runner)} | self._reports.keys()
            for client_id in self._workers.keys() - heard_of:
                self.fail(RunInvalid(f"Worker {self._workers[client_id]} went missing in mid-run."))

    def _test_stopping(self, **_: Any) -> None:
        if self._ending is not None:  # by whoever was first: the page's button, the time, a signal
            self._ending.wait()
        if self.keeper is None:
            return
        self._ending, timeout_s = Event(), self._environment.stop_timeout
        try:
            if isinstance(self._runner, MasterRunner):
                self._drain_workers(timeout_s, abort=self.abort)
            elif self._pool is not None:
                self._pool.end(timeout_s, abort=self.abort)
                self._reports["local"] = _report_of(self._pool)
            self._end_run()
        finally:
            self._ending.set()

    def _drain_workers(self, timeout_s: float, *, abort: bool) -> None:
        self._runner.send_message(DRAIN, {"timeout_s": timeout_s, "abort": abort})
        with gevent.Timeout(timeout_s + GRACE_S, False):
            while self._awaited_workers():
                gevent.sleep(0.05)

    def _awaited_workers(self) -> set[str]:
        runner = self._runner
        assert isinstance(runner, MasterRunner)
        return ({client.id for client in _present(runner)} & set(self._workers)) - set(self._reports)

    def _end_run(self) -> None:
        self._notice_failures()  # all may have hung up before the next tick
        keeper, self.keeper = self.keeper, None
        assert keeper is not None
        if self._ticker is not None:
            self._ticker.kill()
        self._stop_emulator()
        self.ended = keeper
        received = keeper.recorder.received
        keeper.end(
            Reconciliation(
                workers_planned=max(1, len(self._workers)),
                workers_finished=len(self._reports),
                engines_died=sum(report.engine_died for report in self._reports.values()),
                rows_sent=sum(report.rows_sent for report in self._reports.values()),
                rows_received=received["turns"] + received["sessions"] - keeper.recorder.rows_lost,
                sessions_finished=received["sessions"],
                interrupted=self.abort,
            )
        )
        for trouble in keeper.recorder.troubles:
            self.fail(RunInvalid(trouble))
        for report in self._reports.values():
            if report.trace_error and self.failure is None:
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
            self._watch(table, row)

    def _take_report(self, msg: Any, **_: Any) -> None:
        self._reports[msg.node_id] = WorkerReport(**msg.data)

    def _take_failure(self, msg: Any, **_: Any) -> None:
        self.fail(failure_of(msg.data))

    # Where users run, away from the master.

    def _begin_as_worker(self, msg: Any, **_: Any) -> None:
        configure = Configure(**msg.data)
        runner = self._runner
        self.failure = None
        if self._pool is not None:
            self._pool.end(0.0, abort=True)
        self._outbox = Outbox(configure.worker, runner.send_message)
        try:
            self._pool = CallerPool(self._environment, configure, self._outbox.take)
        except RtbenchError as error:
            self._tell_master(error)
            return
        runner.send_message(READY)
        self._ticker = self._ticker or gevent.spawn(self._tick)

    def _tell_master(self, error: RtbenchError) -> None:
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(FAILED, failure_message(error))

    def _drain_as_worker(self, msg: Any, **_: Any) -> None:
        runner = self._runner
        report = WorkerReport()
        if self._pool is not None and self._outbox is not None:
            self._pool.end(msg.data["timeout_s"], abort=msg.data["abort"])
            self._notice_failures()
            self._outbox.flush()
            report = _report_of(self._pool)
        runner.send_message(DRAINED, asdict(report))


@lru_cache(maxsize=64)
def _read_scenario(path: Path) -> Scenario:
    return load_scenario(path)


def _whole_milliseconds(response_time: float) -> int:
    """So that Locust's page agrees with ours; by itself it keeps two digits."""
    return round(response_time)


def _present(master: MasterRunner) -> list[Any]:
    """The master's workers, without those that went missing, which Locust goes on listing."""
    return [client for client in master.clients.all if client.state != STATE_MISSING]


def _report_of(pool: CallerPool) -> WorkerReport:
    return WorkerReport(pool.rows_sent, pool.engine_died, pool.trace_error)
