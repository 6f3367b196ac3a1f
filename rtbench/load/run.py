"""A run with Locust as a library: start, watch, drain, and lose nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from gevent import socket
from locust.env import Environment
from rich.console import Console
from rich.live import Live

from rtbench import __version__
from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.core.errors import RtbenchError, UsageError
from rtbench.load.bench import Bench
from rtbench.load.caller_pool import Sink
from rtbench.load.course import Course, Underway, shaped_course
from rtbench.load.family import RunIdentity
from rtbench.load.live import LiveFigures, progress
from rtbench.load.live_tables import LiveTables
from rtbench.load.monitoring import Monitoring, Monitors
from rtbench.load.realtime_user import caller_class
from rtbench.load.run_keeper import RunSettings
from rtbench.load.tally import Tally
from rtbench.load.web_tabs import add_tabs
from rtbench.load.worker import LocalWorkers
from rtbench.scenario.budget import BudgetMeter
from rtbench.scenario.guard import Guard
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario
from rtbench.scenario.shape import Open, Replay, Shape
from rtbench.scenario.threshold import Threshold

LOOK_INTERVAL_S = 0.25
REPORT_PATIENCE_NS = 10 * NS_PER_S
"""Three of the intervals at which Locust's workers report how many users they have."""

MOST_SPAWN_RATE = 100.0
"""Users per second and worker of a load with a shape, who come only to wait; Locust warns above it."""

WEB_HOST = "127.0.0.1"
"""Locust's own default is every interface of the machine."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run; None, or an empty text, leaves it to the scenario."""

    scenario: Path
    target: str
    transport: str
    out: Path
    command: Sequence[str]
    users: int | None = None
    spawn_rate: float | None = None
    duration_s: float | None = None
    codec: str = ""
    workers: int = 1
    web_port: int | None = None
    shape: Shape | None = None
    """In place of the scenario's own shape, users and duration; a trace has been read."""

    thresholds: Sequence[Threshold] = ()
    """Besides those of the scenario."""

    guards: Sequence[Guard] = ()
    """What may end the run before its time."""

    with_parent: bool = False
    """End as by Ctrl-C when standard input ends: the process at its other end is gone."""

    monitoring: Monitoring = field(default_factory=Monitoring)


@dataclass(frozen=True, slots=True)
class LedLoad:
    """A load that is led by something else than the scenario: `course`, with at most so many callers."""

    course: Course
    most_users: int
    told: dict[str, Any]
    """For `run.json`."""

    watch: Sink = lambda table, row: None
    """Sees every row as it is kept."""

    open_load: bool = False
    """Calls come when they are due, however many are under way: no number of callers is wanted."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended. `directory` holds whatever was written, None where it never began."""

    directory: Path | None
    interrupted: bool
    failure: RtbenchError | None


def run(options: RunOptions, console: Console, led: LedLoad | None = None) -> RunEnd:
    """Hold the run to its end. Raises RtbenchError where nothing could be started."""
    scenario = load_scenario(options.scenario)
    shape = options.shape
    if shape is None and options.users is None and options.duration_s is None and scenario.shape is not None:
        shape = scenario.shape.read_trace(options.scenario.parent)
    if led is None and shape is not None:
        told = {shape.kind: shape.one.model_dump(mode="json")}
        open_load = isinstance(shape.one, Open | Replay)
        course = shaped_course(shape, scenario.seed)
        led = LedLoad(course, shape.one.most_users, told, open_load=open_load)
    return _Run(options, scenario, console, led).hold()


class _Run:
    """One run under way."""

    def __init__(
        self, options: RunOptions, scenario: Scenario, console: Console, led: LedLoad | None
    ) -> None:
        self._options = options
        self._scenario = scenario
        self._led = led
        self._underway: Underway | None = None
        self._console = console
        self._figures = LiveFigures()
        self._tally: Tally | None = None
        self._tables: LiveTables | None = None
        self._holder = gevent.getcurrent()
        self._begun = False
        self._interrupted = False
        self._stopped: RtbenchError | None = None
        self._spawned_ns: int | None = None
        self._seen_users = False
        duration = scenario.duration if led is None else None
        self._duration_s = options.duration_s or (duration.s if duration is not None else None)
        until_stopped = options.duration_s is not None or led is not None
        self._environment = Environment(
            user_classes=[caller_class(options.scenario, until_stopped=until_stopped)]
        )
        self._workers = LocalWorkers(options.scenario, options.workers, until_stopped=until_stopped)

    def hold(self) -> RunEnd:
        """Start, watch, drain."""
        options, environment = self._options, self._environment
        with ExitStack() as cleanup:
            for number in (signal.SIGINT, signal.SIGTERM):
                cleanup.enter_context(_handled(number, self._interrupt))
            if options.with_parent:
                cleanup.callback(gevent.spawn(self._outlive_nobody).kill)
            if options.web_port is not None:
                _refuse_taken(options.web_port)
            monitors = Monitors(options.monitoring)
            cleanup.callback(self._end_monitoring, monitors)
            cleanup.callback(self._workers.end)
            runner: Any = (
                self._workers.start(environment) if options.workers > 1 else environment.create_local_runner()
            )
            users, spawn_rate, told = self._load()
            settings = RunSettings(
                options.target,
                options.transport,
                options.out,
                options.command,
                told,
                options.codec,
                options.thresholds,
            )
            bench = Bench.attach(environment, settings, watch=self._watch_row, shaped=self._led is not None)
            environment.events.spawning_complete.add_listener(self._note_all_spawned)
            if options.web_port is not None:
                cleanup.enter_context(_no_arguments())
                self._tables = LiveTables()
                page = environment.create_web_ui(WEB_HOST, options.web_port, delayed_start=True)
                add_tabs(page, self._tables)
                page.start()
                cleanup.callback(page.stop)
            bench.begin_run()
            self._begin_monitoring(monitors, bench)
            self._begun = True
            started_ns = monotonic_ns()
            runner.start(users, spawn_rate)
            if self._led is not None:
                self._underway = Underway(self._led.course, bench.conductor)
            try:
                self._watch(bench, started_ns)
            finally:
                if self._underway is not None:
                    self._underway.stop()
            if self._interrupted:
                bench.abort_calls()
            runner.stop()
            runner.quit()
        ended = bench.ended
        directory = ended.directory.path if ended is not None else None
        return RunEnd(directory, self._interrupted, bench.failure or self._stopped)

    def _begin_monitoring(self, monitors: Monitors, bench: Bench) -> None:
        options = self._options
        if not options.monitoring.wanted or (keeper := bench.keeper) is None:
            return
        meter = next((guard for guard in options.guards if isinstance(guard, BudgetMeter)), None)
        open_load = self._led is not None and self._led.open_load
        wanted = None if open_load else lambda: self._callers(bench)
        self._tally = Tally(self._figures.verdict, wanted, meter)
        transport = options.transport or self._scenario.transport
        identity = RunIdentity(
            keeper.directory.path.name, self._scenario.name, transport, options.target, __version__
        )
        monitors.begin(self._tally, identity)

    def _end_monitoring(self, monitors: Monitors) -> None:
        if told := monitors.end():
            self._console.print(f"rtbench: {told}", markup=False, highlight=False, soft_wrap=True)

    def _load(self) -> tuple[int, float, dict[str, Any]]:
        """Users to spawn, how many of them per second, and the load as `run.json` tells it."""
        options, scenario, led = self._options, self._scenario, self._led
        if led is not None:
            rate = min(float(led.most_users), MOST_SPAWN_RATE * options.workers)
            return led.most_users, rate, {"users": led.most_users, "spawn_rate": None, "shape": led.told}
        users = options.users or scenario.users
        spawn_rate = options.spawn_rate or scenario.spawn_rate
        return users, spawn_rate, {"users": users, "spawn_rate": spawn_rate, "shape": None}

    def _watch_row(self, table: str, row: dict[str, Any]) -> None:
        self._figures.take(table, row)
        if self._tally is not None:
            self._tally.take(table, row)
        if self._tables is not None:
            self._tables.take(table, row)
        if self._led is not None:
            self._led.watch(table, row)
        for guard in self._options.guards:
            guard.take(table, row)

    def _watch(self, bench: Bench, started_ns: int) -> None:
        """Show progress until the time is up, nobody calls any more, or the run cannot go on."""
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while not self._interrupted and bench.failure is None:
                elapsed_s = (monotonic_ns() - started_ns) / NS_PER_S
                users = self._users()
                if self._duration_s is not None and elapsed_s >= self._duration_s:
                    break
                stops = (guard.stop(elapsed_s) for guard in self._options.guards)
                self._stopped = next(filter(None, stops), None)
                if self._stopped is not None:
                    break
                if self._underway is not None:
                    if self._underway.over:
                        break
                elif self._nobody_calls(users):
                    break
                if self._console.is_terminal:
                    shown = progress(self._figures, self._scenario.name, self._callers(bench), elapsed_s)
                    live.update(shown, refresh=True)
                gevent.sleep(LOOK_INTERVAL_S)

    def _users(self) -> int:
        return self._environment.runner.user_count if self._environment.runner is not None else 0

    def _callers(self, bench: Bench) -> int:
        """Wanted now; of an open load, the calls that have come."""
        return self._users() if self._led is None else bench.conductor.level

    def _nobody_calls(self, users: int) -> bool:
        """Whether every user has come and gone; a master hears of its workers' users only now and then."""
        self._seen_users = self._seen_users or users > 0
        spawned_ns = self._spawned_ns
        if spawned_ns is None or users > 0:
            return False
        patience_ns = 0 if self._seen_users or self._options.workers == 1 else REPORT_PATIENCE_NS
        return monotonic_ns() - spawned_ns >= patience_ns

    def _interrupt(self) -> None:
        """A run that goes on is drained; one that has not begun is given up."""
        self._interrupted = True
        if not self._begun:
            gevent.kill(self._holder, KeyboardInterrupt)

    def _outlive_nobody(self) -> None:
        """Nothing is ever written to standard input: it can be read from when it has ended."""
        socket.wait_read(sys.stdin.fileno())
        self._interrupt()

    def _note_all_spawned(self, **_: Any) -> None:
        self._spawned_ns = monotonic_ns()


@contextmanager
def _handled(number: int, handler: Callable[[], None]) -> Iterator[None]:
    """Handle a signal in a greenlet, then as before: gevent by itself leaves the system's default, sudden death."""
    before = signal.getsignal(number)
    watcher = gevent.signal_handler(number, handler)
    try:
        yield
    finally:
        watcher.cancel()
        signal.signal(number, before)


@contextmanager
def _no_arguments() -> Iterator[None]:
    """Locust's page reads the command line as if it were Locust's own, every time that it is asked for."""
    before = sys.argv
    sys.argv = before[:1]
    try:
        yield
    finally:
        sys.argv = before


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the page's own server does
        try:
            probe.bind((WEB_HOST, port))
        except (OSError, OverflowError):
            raise UsageError(
                f"--web: port {port} on {WEB_HOST} is taken or not allowed; choose another one"
            ) from None
