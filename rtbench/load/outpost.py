"""The worker's end of a distributed run: callers who work for a master, and hand it their rows.

Locust's ordinary end of a run loses what workers still hold. So a worker ends its calls when the
master asks for it, and says that it has drained only after its last row.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from rtbench.core.errors import RtbenchError, UsageError
from rtbench.engine.messages import Configure
from rtbench.load.caller_pool import CallerPool
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
    failure_message,
)
from rtbench.load.row_channel import Outbox
from rtbench.load.turnstile import Turnstile


class Outpost:
    """What a worker does at its master's word."""

    def __init__(self, environment: Environment, runner: WorkerRunner, failure: FirstFailure) -> None:
        """Listen to the master."""
        self.pool: CallerPool | None = None
        self.turnstile: Turnstile | None = None
        """None where Locust itself spawns as many users as are to call."""

        self._environment = environment
        self._runner = runner
        self._failure = failure
        self._outbox: Outbox | None = None
        self._ticker: gevent.Greenlet | None = None
        runner.register_message(BEGIN, self._begin)
        runner.register_message(LEVEL, self._set_level)
        runner.register_message(ARRIVAL, self._arrive)
        runner.register_message(DRAIN, self._drain, concurrent=True)

    def _begin(self, msg: Any, **_: Any) -> None:
        configure = Configure(**msg.data["configure"])
        self._failure.forget()
        here = [each.__name__ for each in self._environment.user_classes]
        if missing := [name for name in msg.data["user_classes"] if name not in here]:
            self._tell_master(UsageError(_unlike(configure.worker, missing[0], here)))
            return
        if self.pool is not None:
            self.pool.end(0.0, abort=True)
        self.turnstile = Turnstile() if msg.data["shaped"] else None
        self._outbox = Outbox(configure.worker, self._runner.send_message)
        try:
            self.pool = CallerPool(self._environment, configure, self._outbox.take)
        except RtbenchError as error:
            self._tell_master(error)
            return
        self._runner.send_message(READY)
        self._ticker = self._ticker or gevent.spawn(self._tick)

    def _set_level(self, msg: Any, **_: Any) -> None:
        if self.turnstile is not None:
            self.turnstile.set_level(msg.data["users"])

    def _arrive(self, msg: Any, **_: Any) -> None:
        if self.turnstile is not None:
            self.turnstile.arrive()

    def _tick(self) -> None:
        """Once a second, as long as the process lasts."""
        while True:
            gevent.sleep(1.0)
            if self._outbox is not None:
                self._outbox.flush()
            self._notice_failure()

    def _notice_failure(self) -> None:
        if self.pool is not None and self.pool.failure is not None and self._failure.error is None:
            self._failure.tell(self.pool.failure)
            self._tell_master(self.pool.failure)

    def _tell_master(self, error: RtbenchError) -> None:
        self._runner.send_message(FAILED, failure_message(error))

    def _drain(self, msg: Any, **_: Any) -> None:
        report = WorkerReport()
        if self.pool is not None and self._outbox is not None:
            self.pool.end(msg.data["timeout_s"], abort=msg.data["abort"])
            self._notice_failure()
            self._outbox.flush()
            report = WorkerReport.of(self.pool, self.turnstile)
        self._runner.send_message(DRAINED, asdict(report))


def _unlike(worker: str, missing: str, here: list[str]) -> str:
    """Locust spawns users by the name of their class, and ends the worker's process where it is unknown there."""
    remedy = "start it on the master's locustfile, or with --user-class as that names its user"
    return f"Worker {worker} has no user class '{missing}', only {', '.join(here)}; {remedy}."
