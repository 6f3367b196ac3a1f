"""Worker processes of a distributed run: the worker itself, and the ones a run starts on its own machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent import socket
from locust.env import Environment
from locust.runners import MasterRunner

from rtbench.core.errors import RunInvalid
from rtbench.load.bench import Bench, BenchSettings

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0


def serve_as_worker(
    environment: Environment, master_host: str, master_port: int, *, with_parent: bool
) -> None:
    """Run users for a master until it says quit; with a parent, also until the parent is gone."""
    runner: Any = environment.create_worker_runner(master_host, master_port)
    Bench.attach(environment, BenchSettings())
    if with_parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
        gevent.spawn(_quit_with_parent, runner)
    runner.greenlet.join()


def _quit_with_parent(runner: Any) -> None:
    """Standard input is a pipe that the parent holds open and never writes to."""
    gevent.get_hub().threadpool.apply(sys.stdin.buffer.read)
    runner.quit()


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
            self._processes.append(subprocess.Popen(command, stdin=subprocess.PIPE))
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
