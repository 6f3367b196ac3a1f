"""The Locust user that holds spoken conversations: `from rtbench import RealtimeUser` in a locustfile."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, ClassVar

from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from rtbench.load.bench import Bench
from rtbench.load.engine_client import RunningCall
from rtbench.load.turnstile import Permit

CALLER = "Caller"
"""Name of the user class of a run that has no locustfile."""


class RealtimeUser(User):
    """One caller: holds the scenario's conversation, waits, and calls again.

    Set `scenario` to a scenario file. `host` is the API's base URL (`http://127.0.0.1:8080/v1`); where
    neither it nor `--host` is given, the emulator is started for the run.
    """

    abstract = True
    scenario: ClassVar[str | Path] = ""
    until_stopped: ClassVar[bool] = False
    """Call again until the run is stopped, however many conversations the scenario names."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._bench = Bench.of(environment)
        self._plan = self._bench.scenario(self.scenario)
        self._number: int | None = None
        self._random = random.Random(self._plan.seed)
        self._iteration = 0
        self._call: RunningCall | None = None
        self._permit: Permit | None = None
        self._waits_for_permit = False

    def wait_time(self) -> float:
        """Seconds between two conversations, from the scenario's `between_calls`; none where arrivals come by themselves."""
        if self._permit is not None and self._permit.single:
            return 0.0
        return self._plan.between_calls.draw_ns(self._random) / 1e9

    @task
    def converse(self) -> None:
        """Hold one conversation."""
        limit = None if self.until_stopped else self._plan.iterations_per_user
        pool = self._bench.pool
        self._await_permit()
        if self._number is None:
            self._number = pool.enroll()
            self._random.seed(f"{self._plan.seed}/{self._number}")
        self._call = pool.start_call(self._plan.name, self._plan.seed, self._number, self._iteration)
        try:
            self._call.wait()
        finally:
            self._call = None
        self._iteration += 1
        if limit is not None and self._iteration >= limit:
            raise StopUser

    def stop(self, force: bool = False) -> Any:
        """End the conversation after the turn under way, or at once, as Locust asks."""
        if self._call is not None:
            self._call.stop(abort=force)
        return super().stop(force or self._waits_for_permit)

    def _await_permit(self) -> None:
        """Where the load has a shape: until this caller may call."""
        turnstile = self._bench.turnstile
        if turnstile is None or (self._permit is not None and not self._permit.over):
            return
        self._waits_for_permit = True
        try:
            self._permit = turnstile.admit()
        finally:
            self._waits_for_permit = False
        self._permit.on_withdrawal = self._leave

    def _leave(self) -> None:
        """This caller is wanted no longer."""
        if self._call is not None:
            self._call.stop()


def caller_class(scenario: Path, *, until_stopped: bool, name: str = CALLER) -> type[RealtimeUser]:
    """A user class for one scenario file; a master knows it by its name."""
    return type(name, (RealtimeUser,), {"scenario": scenario, "until_stopped": until_stopped})
