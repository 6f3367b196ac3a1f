"""Where users run: an engine, the calls it holds for them, and what Locust's own page is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment
from locust.exception import StopUser

from rtbench.core.errors import RunInvalid
from rtbench.engine.messages import Configure
from rtbench.load.engine_client import EngineClient, RunningCall
from rtbench.scenario.compile import session_seed

Sink = Callable[[str, dict[str, Any]], None]


class CallerPool:
    """One process's callers and their engine, from the start of a test to its end."""

    def __init__(self, environment: Environment, settings: Configure, sink: Sink) -> None:
        """Start the engine and wait until it is ready; `sink(table, row)` gets every row.

        Raises RtbenchError where the engine refuses the scenario, or cannot reach the target.
        """
        self.failure: RunInvalid | None = None
        self.rows_sent = 0
        """Turn and session rows that the engine says it handed over; known after `end`."""

        self.calls_started = 0
        self.engine_died = False
        self.engine_fell_silent = False
        """It died by our hand, as it gave no sign of life."""

        self.trace_error = ""
        self._environment = environment
        self._worker = settings.worker
        self._sink = sink
        self._closing = False
        self._users = settings.first_user
        self._rows_seen = 0
        self._engine = EngineClient(self._take, self._mourn)
        try:
            self._engine.configure(settings)
        except BaseException:
            self._closing = True
            self._engine.shut_down()
            raise

    @property
    def calls(self) -> int:
        """Conversations under way."""
        return self._engine.calls

    @property
    def engine_pid(self) -> int:
        return self._engine.pid

    def enroll(self) -> int:
        """A number for a new user, unique in the run."""
        self._users += 1
        return self._users - 1

    def start_call(self, scenario: str, seed: int, user: int, iteration: int) -> RunningCall:
        """Begin a conversation, everything in it drawn from the run's seed and who holds it.

        Raises StopUser once the run is ending.
        """
        if self._closing or self.engine_died:
            raise StopUser
        self.calls_started += 1
        return self._engine.start_call(scenario, user, iteration, session_seed(seed, user, iteration))

    def end(self, timeout_s: float, *, abort: bool) -> None:
        """Let every call end its turn (at most for `timeout_s`), then end the engine. No row is left behind."""
        if self._closing:
            return
        self._closing = True
        if not abort:
            with gevent.Timeout(timeout_s, False):
                self._engine.drain()
        goodbye = self._engine.shut_down()
        if goodbye is None:
            self.engine_died = True
            self.rows_sent = self._rows_seen
        else:
            self.rows_sent = goodbye.rows.get("turns", 0) + goodbye.rows.get("sessions", 0)
            self.trace_error = goodbye.trace_error

    def _take(self, table: str, row: dict[str, Any]) -> None:
        if table == "turns":
            self._rows_seen += 1
            self._tell_locust_turn(row)
        elif table == "sessions":
            self._rows_seen += 1
            self._tell_locust_session(row)
        self._sink(table, row)

    def _mourn(self, reason: str) -> None:
        self.engine_died = True
        self.engine_fell_silent = self._engine.fell_silent
        how = "fell silent in mid-run and was killed" if self.engine_fell_silent else "died in mid-run"
        self.failure = RunInvalid(f"The engine of worker {self._worker} {how} ({reason}).")

    def _tell_locust_turn(self, row: dict[str, Any]) -> None:
        if row["outcome"] != "not_asked":
            heard = row["outcome"] == "answered"
            failure = None if heard else f"{row['outcome']}: {row['error_class']}"
            self._fire("voice_to_voice", row["voice_to_voice_ms"], failure)

    def _tell_locust_session(self, row: dict[str, Any]) -> None:
        failed = row["outcome"] in ("failed", "dropped")
        self._fire(
            "connect", row["connect_ms"], f"{row['outcome']}: {row['error_class']}" if failed else None
        )

    def _fire(self, name: str, response_time_ms: float | None, failure: str | None) -> None:
        self._environment.events.request.fire(
            request_type="voice",
            name=name,
            response_time=response_time_ms,
            response_length=0,
            exception=None if failure is None else RuntimeError(failure),
            context={},
        )
