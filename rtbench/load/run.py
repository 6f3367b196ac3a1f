"""A run with Locust as a library: start, watch, drain, and lose nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from gevent import socket
from locust.env import Environment
from rich.console import Console
from rich.live import Live

from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.core.errors import RtbenchError, UsageError
from rtbench.load.bench import Bench, BenchSettings
from rtbench.load.live import LiveFigures, progress
from rtbench.load.realtime_user import caller_class
from rtbench.load.worker import LocalWorkers
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario

LOOK_INTERVAL_S = 0.25
REPORT_PATIENCE_NS = 10 * NS_PER_S
"""Three of the intervals at which Locust's workers report how many users they have."""

WEB_HOST = "127.0.0.1"
"""Locust's own default is every interface of the machine."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run; None leaves it to the scenario."""

    scenario: Path
    target: str
    transport: str
    out: Path
    command: Sequence[str]
    users: int | None = None
    spawn_rate: float | None = None
    duration_s: float | None = None
    workers: int = 1
    web_port: int | None = None


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended. `directory` holds whatever was written, None where it never began."""

    directory: Path | None
    interrupted: bool
    failure: RtbenchError | None


def run(options: RunOptions, console: Console) -> RunEnd:
    """Hold the run to its end. Raises RtbenchError where nothing could be started."""
    return _Run(options, load_scenario(options.scenario), console).hold()


class _Run:
    """One run under way."""

    def __init__(self, options: RunOptions, scenario: Scenario, console: Console) -> None:
        self._options = options
        self._scenario = scenario
        self._console = console
        self._figures = LiveFigures()
        self._holder = gevent.getcurrent()
        self._begun = False
        self._interrupted = False
        self._spawned_ns: int | None = None
        self._seen_users = False
        duration = scenario.duration
        self._duration_s = options.duration_s or (duration.s if duration is not None else None)
        until_stopped = options.duration_s is not None
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
            if options.web_port is not None:
                _refuse_taken(options.web_port)
            cleanup.callback(self._workers.end)
            runner: Any = (
                self._workers.start(environment) if options.workers > 1 else environment.create_local_runner()
            )
            settings = BenchSettings(options.target, options.transport, options.out, options.command)
            bench = Bench.attach(environment, settings, watch=self._figures.take)
            environment.events.spawning_complete.add_listener(self._note_all_spawned)
            if options.web_port is not None:
                cleanup.enter_context(_no_arguments())
                cleanup.callback(environment.create_web_ui(WEB_HOST, options.web_port).stop)
            bench.begin_run()
            self._begun = True
            started_ns = monotonic_ns()
            runner.start(
                options.users or self._scenario.users, options.spawn_rate or self._scenario.spawn_rate
            )
            self._watch(bench, started_ns)
            bench.abort = self._interrupted
            runner.stop()
            runner.quit()
        ended = bench.ended
        return RunEnd(ended.directory.path if ended is not None else None, self._interrupted, bench.failure)

    def _watch(self, bench: Bench, started_ns: int) -> None:
        """Show progress until the time is up, nobody calls any more, or the run cannot go on."""
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while not self._interrupted and bench.failure is None:
                elapsed_s = (monotonic_ns() - started_ns) / NS_PER_S
                users = self._environment.runner.user_count if self._environment.runner is not None else 0
                if self._duration_s is not None and elapsed_s >= self._duration_s:
                    break
                if self._nobody_calls(users):
                    break
                if self._console.is_terminal:
                    live.update(progress(self._figures, self._scenario.name, users, elapsed_s), refresh=True)
                gevent.sleep(LOOK_INTERVAL_S)

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
