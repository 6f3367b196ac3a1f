"""Worker processes of a distributed run: the worker itself, and the ones a run starts on its own machine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from gevent import socket
from locust import User
from locust.env import Environment
from locust.runners import MasterRunner
from locust.util.load_locustfile import load_locustfile

from rtbench.core.errors import RunInvalid, TargetUnreachable, UsageError
from rtbench.load.bench import Bench
from rtbench.load.realtime_user import CALLER, RealtimeUser, caller_class
from rtbench.load.run_keeper import RunSettings
from rtbench.scenario.load import load_scenario

LOCUSTFILE = ".py"
"""By which a locustfile is told from a scenario."""

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker process is to do."""

    source: Path
    """A scenario file; or a locustfile, whose users are then the worker's too."""

    master_host: str
    master_port: int
    user_class: str = ""
    """What the master calls the users of a scenario file; empty where it is `rtbench run`."""

    until_stopped: bool = False
    with_parent: bool = False
    """End when the process that holds standard input open is gone."""


def work(options: WorkerOptions) -> None:
    """Run users for a master until it says quit; one that is not there yet is waited for, by Locust, for five minutes.

    Raises UsageError where the source cannot be used or the master's name means nothing,
    TargetUnreachable where the master does not come.
    """
    environment = Environment(user_classes=_user_classes(options))
    if options.with_parent:
        gevent.spawn(_end_with_parent, gevent.getcurrent())
    runner = _worker_runner(environment, options.master_host, options.master_port)
    Bench.attach(environment, RunSettings())
    runner.greenlet.join()


def _user_classes(options: WorkerOptions) -> list[type[User]]:
    """Those of a locustfile, by the names that its master knows them by; else one that plays the scenario."""
    source = options.source
    if source.suffix == LOCUSTFILE:
        return _imported(source)
    load_scenario(source)
    return [caller_class(source, until_stopped=options.until_stopped, name=options.user_class or CALLER)]


def _imported(locustfile: Path) -> list[type[User]]:
    """As Locust imports it, and with whatever error its author has left in it."""
    if not locustfile.is_file():
        raise UsageError(f"{locustfile}: no such file")
    try:
        users = list(load_locustfile(str(locustfile.absolute()))[0].values())
    except Exception as error:
        raise UsageError(f"{locustfile}: {type(error).__name__}: {error}") from error
    if not any(issubclass(user, RealtimeUser) for user in users):
        raise UsageError(f"{locustfile}: no user class is a RealtimeUser")
    return users


def _worker_runner(environment: Environment, master_host: str, master_port: int) -> Any:
    try:
        socket.getaddrinfo(master_host, master_port)
    except (OSError, UnicodeError):
        raise UsageError(f"--master: there is no host named '{master_host}'") from None
    try:
        return environment.create_worker_runner(master_host, master_port)
    except ConnectionError:
        raise TargetUnreachable(f"no master answers at {master_host}:{master_port}") from None


def _end_with_parent(worker: Any) -> None:
    """Standard input is a pipe that the parent holds open and never writes to; the engine sees its own end close."""
    gevent.get_hub().threadpool.apply(os.read, (sys.stdin.fileno(), 1))
    gevent.kill(worker, SystemExit)


class LocalWorkers:
    """The workers that a run starts on its own machine: one process each, ended with the run."""

    def __init__(self, scenario: Path, count: int, *, until_stopped: bool) -> None:
        self._scenario = scenario
        self._count = count
        self._until_stopped = until_stopped
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, environment: Environment) -> MasterRunner:
        """A master on a free port of loopback, with its workers connected. Raises RunInvalid where they do not come."""
        port = _free_port()
        runner = environment.create_master_runner(LOOPBACK, port)
        command = [sys.executable, "-m", "rtbench", "worker", "--master", LOOPBACK, "--port", str(port)]
        command += ["--with-parent", str(self._scenario)] + ["--until-stopped"] * self._until_stopped
        for _ in range(self._count):
            # A session of its own, as Ctrl-C goes to the whole group: the run decides what becomes of the calls.
            self._processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))
        with gevent.Timeout(CONNECT_TIMEOUT_S, False):
            while len(runner.clients.ready) < self._count and not self._dead():
                gevent.sleep(0.05)
        if len(runner.clients.ready) < self._count:
            self.end()
            raise RunInvalid(f"Of {self._count} workers only {len(runner.clients.ready)} came up.")
        return runner

    def end(self) -> None:
        """End all of them; none is left behind."""
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(timeout=END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []

    def _dead(self) -> bool:
        return any(process.poll() is not None for process in self._processes)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
