"""What rtbench adds to a Locust environment, whoever runs it: `locust` itself, or `rtbench run`.

Where users run (a local runner, a worker) there is a `CallerPool`; where rows are kept (a local
runner, the master) a `RunKeeper`. Locust's ordinary end of a run loses what workers still hold, so
the bench drains by itself while `test_stopping` is handled: the master asks every worker to end its
calls, and waits until each has handed over its rows and said so.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import gevent
from locust import stats
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from rtbench.core.errors import ExitCode, RtbenchError, RunInvalid
from rtbench.corpus.folder import find_corpus
from rtbench.engine.messages import Configure
from rtbench.engine.target import EMULATOR, named_target
from rtbench.load.caller_pool import CallerPool, Sink
from rtbench.load.embedded_emulator import EmbeddedEmulator
from rtbench.load.row_channel import ROWS, Outbox, unpack_rows
from rtbench.load.run_keeper import RunKeeper
from rtbench.results.reconciliation import Reconciliation
from rtbench.scenario.model import Scenario

if TYPE_CHECKING:
    from rtbench.load.realtime_user import RealtimeUser

BEGIN = "rtbench.begin"
DRAIN = "rtbench.drain"
DRAINED = "rtbench.drained"
READY = "rtbench.ready"
FAILED = "rtbench.failed"

USERS_PER_WORKER = 1_000_000
"""Distance of the user numbers of two workers: more than one process can hold."""

READY_TIMEOUT_S = 90.0
"""For a worker's engine to come up, beside others on a busy machine."""

GRACE_S = 20.0
"""What a worker may take, beyond its callers' own time, to end its engine and send its last rows."""

_logger = logging.getLogger(__name__)
_benches: WeakKeyDictionary[Environment, Bench] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What the command line says beyond the scenario."""

    target: str = EMULATOR
    transport: str = "websocket"
    out: Path = Path("reports")
    command: Sequence[str] = field(default_factory=lambda: tuple(sys.argv))


@dataclass(slots=True)
class _WorkerReport:
    """What a worker said when it had drained."""

    rows_sent: int
    engine_died: bool
    trace_error: str


class Bench:
    """One environment's bench; `Bench.of(environment)` finds it."""

    def __init__(self, environment: Environment, settings: BenchSettings, watch: Sink) -> None:
        self.failure: RtbenchError | None = None
        """Why the run cannot go on; the first reason."""

        self.keeper: RunKeeper | None = None
        self.emulator: EmbeddedEmulator | None = None
        self.abort = False
        """End calls at once instead of after their turn."""

        self._environment = environment
        self._settings = settings
        self._watch = watch
        self._pool: CallerPool | None = None
        self._outbox: Outbox | None = None
        self._workers: dict[str, str] = {}
        self._ready: set[str] = set()
        self._reports: dict[str, _WorkerReport] = {}
        self._ticker: gevent.Greenlet | None = None
        self.ended: RunKeeper | None = None
        """The run that ended last."""

    @classmethod
    def of(cls, environment: Environment) -> Bench:
        """The bench of an environment. Raises KeyError where none was attached."""
        return _benches[environment]

    @classmethod
    def attach(cls, environment: Environment, settings: BenchSettings, watch: Sink | None = None) -> Bench:
        """Give an environment, whose runner exists, its bench; `watch(table, row)` sees every row that is kept."""
        bench = _benches[environment] = cls(environment, settings, watch or _look_away)
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
            runner.register_message(READY, bench._note_ready)
            runner.register_message(FAILED, bench._take_failure)
        events.test_start.add_listener(bench._test_start)
        events.test_stopping.add_listener(bench._test_stopping)
        events.quit.add_listener(bench._quit)
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
        """The scenario files of the environment's user classes, each once."""
        from rtbench.load.realtime_user import RealtimeUser, scenario_of

        users: list[type[RealtimeUser]] = [
            user for user in self._environment.user_classes if issubclass(user, RealtimeUser)
        ]
        return list({Path(user.scenario): scenario_of(user) for user in users}.items())

    def fail(self, error: RtbenchError) -> None:
        """The run cannot go on; the first reason is the one that is told."""
        self.failure = self.failure or error

    # Where rows are kept: a local runner or the master.

    def _test_start(self, environment: Environment, **_: Any) -> None:
        if self.keeper is not None:
            return
        try:
            self.begin_run()
        except RtbenchError as error:
            _logger.error(str(error))
            environment.process_exit_code = int(error.exit_code)
            gevent.spawn(self._runner.quit)

    def begin_run(self) -> None:
        """Make the run directory, start what the run needs, and make the callers' engines ready.

        Raises RtbenchError where that cannot be done; what was started is then ended.
        """
        try:
            self._begin_run()
        except RtbenchError as error:
            self.fail(error)
            self._stop_emulator()
            raise

    def _begin_run(self) -> None:
        runner, settings = self._runner, self._settings
        scenarios = self.scenarios()
        self.failure = None
        self._reports, self._workers, self._ready = {}, {}, set()
        target = self._environment.host or settings.target
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
            for index, client in enumerate(runner.clients.all):
                self._workers[client.id] = configure.worker = f"w{index}"
                configure.first_user = index * USERS_PER_WORKER
                runner.send_message(BEGIN, _as_dict(configure), client.id)
            self._await_ready()
        self._ticker = gevent.spawn(self._tick)

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
            if self.emulator is not None and (death := self.emulator.death()) is not None:
                self.fail(death)
            if self._pool is not None and self._pool.failure is not None and self.failure is None:
                self.fail(self._pool.failure)
                self._tell_master(self._pool.failure)
            self._miss_workers()

    def _miss_workers(self) -> None:
        runner = self._runner
        if isinstance(runner, MasterRunner):
            present = {client.id for client in runner.clients.all if client.state != "missing"}
            for client_id, worker in self._workers.items():
                if client_id not in present and client_id not in self._reports:
                    self.fail(RunInvalid(f"Worker {worker} went missing in mid-run."))

    def _test_stopping(self, **_: Any) -> None:
        if self.keeper is None:
            return
        timeout_s = self._environment.stop_timeout
        if isinstance(self._runner, MasterRunner):
            self._drain_workers(timeout_s)
        elif self._pool is not None:
            self._pool.end(timeout_s, abort=self.abort)
            self._reports["local"] = _report_of(self._pool)
        self._end_run()

    def _drain_workers(self, timeout_s: float) -> None:
        self._runner.send_message(DRAIN, {"timeout_s": timeout_s, "abort": self.abort})
        with gevent.Timeout(timeout_s + GRACE_S, False):
            while self._awaited_workers():
                gevent.sleep(0.05)

    def _awaited_workers(self) -> set[str]:
        runner = self._runner
        assert isinstance(runner, MasterRunner)
        alive = {client.id for client in runner.clients.all if client.state != "missing"}
        return (alive & set(self._workers)) - set(self._reports)

    def _end_run(self) -> None:
        keeper, self.keeper = self.keeper, None
        assert keeper is not None
        if self._ticker is not None:
            self._ticker.kill()
        self._stop_emulator()
        self.ended = keeper
        planned = max(1, len(self._workers))
        received = keeper.recorder.received
        keeper.end(
            Reconciliation(
                workers_planned=planned,
                workers_finished=len(self._reports),
                engines_died=sum(report.engine_died for report in self._reports.values()),
                rows_sent=sum(report.rows_sent for report in self._reports.values()),
                rows_received=received["turns"] + received["sessions"] - keeper.recorder.rows_lost,
                sessions_finished=received["sessions"],
                interrupted=self.abort,
            )
        )
        for trouble in [
            *keeper.recorder.troubles,
            *(r.trace_error for r in self._reports.values() if r.trace_error),
        ]:
            _logger.error(trouble)
        _logger.info("the run's rows are in %s; `rtbench report` makes its report", keeper.directory.path)

    def _stop_emulator(self) -> None:
        if self.emulator is not None:
            self.emulator.stop()
            self.emulator = None

    def _quit(self, exit_code: int, **_: Any) -> None:
        self._stop_emulator()

    def _take_rows(self, msg: Any, **_: Any) -> None:
        for table, row in unpack_rows(msg.data):
            self._keep(table, row)

    def _keep(self, table: str, row: dict[str, Any]) -> None:
        if self.keeper is not None:
            self.keeper.recorder.take(table, row)
            self._watch(table, row)

    def _take_report(self, msg: Any, **_: Any) -> None:
        self._reports[msg.node_id] = _WorkerReport(**msg.data)

    def _note_ready(self, msg: Any, **_: Any) -> None:
        self._ready.add(msg.node_id)

    def _take_failure(self, msg: Any, **_: Any) -> None:
        error = RtbenchError(msg.data["message"])
        error.exit_code = ExitCode(msg.data["exit_code"])
        self.fail(error)

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
            self._runner.send_message(FAILED, {"message": str(error), "exit_code": int(error.exit_code)})

    def _drain_as_worker(self, msg: Any, **_: Any) -> None:
        runner = self._runner
        if self._pool is None or self._outbox is None:
            report = _WorkerReport(rows_sent=0, engine_died=False, trace_error="")
        else:
            self._pool.end(msg.data["timeout_s"], abort=msg.data["abort"])
            self._outbox.flush()
            report = _report_of(self._pool)
        runner.send_message(DRAINED, _as_dict(report))


def _look_away(table: str, row: dict[str, Any]) -> None:
    """Where nobody watches."""


def _whole_milliseconds(response_time: float) -> int:
    """How Locust is to round, so that its page agrees with ours; by itself it keeps two digits."""
    return round(response_time)


def _report_of(pool: CallerPool) -> _WorkerReport:
    return _WorkerReport(pool.rows_sent, pool.engine_died, pool.trace_error)


def _as_dict(record: Any) -> dict[str, Any]:
    """A flat record as Locust's messages carry it."""
    names = getattr(record, "__struct_fields__", None) or record.__slots__
    return {name: getattr(record, name) for name in names}
