"""What rtbench adds to a Locust environment, whoever runs it: `locust` itself, or `rtbench run`.

Where users run (a local runner, a worker) there is a `CallerPool`. A local runner and a master have a
`Conductor`, which leads the run and keeps its rows; a worker has an `Outpost`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from locust import stats
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner

from rtbench.core.errors import RtbenchError, UsageError
from rtbench.load.caller_pool import CallerPool, Sink
from rtbench.load.conductor import Conductor, Score
from rtbench.load.first_failure import FirstFailure, OnFailure
from rtbench.load.outpost import Outpost
from rtbench.load.run_keeper import RunKeeper, RunSettings
from rtbench.load.turnstile import Turnstile
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario

Admit = Callable[[str, list[Scenario]], None]
"""Takes the target of a run that is about to begin, and its scenarios."""

_benches: WeakKeyDictionary[Environment, Bench] = WeakKeyDictionary()


class Bench:
    """One environment's bench; `Bench.of(environment)` finds it."""

    def __init__(
        self,
        environment: Environment,
        settings: RunSettings,
        watch: Sink,
        on_failure: OnFailure,
        *,
        shaped: bool,
        admit: Admit,
    ) -> None:
        self._admit = admit
        self._environment = environment
        self._settings = settings
        self._failure = FirstFailure(on_failure)
        self._conductor: Conductor | None = None
        self._outpost: Outpost | None = None
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            self._outpost = Outpost(environment, runner, self._failure)
        else:
            score = Score(self.scenarios, self._run_settings, self._sessions_planned)
            self._conductor = Conductor(environment, score, watch, self._failure, shaped=shaped)
            environment.events.test_start.add_listener(self._test_start)

    @classmethod
    def of(cls, environment: Environment) -> Bench:
        """The bench of an environment. Raises KeyError where none was attached."""
        return _benches[environment]

    @classmethod
    def attach(
        cls,
        environment: Environment,
        settings: RunSettings,
        watch: Sink = lambda table, row: None,
        on_failure: OnFailure = lambda error: None,
        *,
        shaped: bool = False,
        admit: Admit = lambda target, scenarios: None,
    ) -> Bench:
        """Give an environment, whose runner exists, its bench.

        `watch(table, row)` sees every row that is kept; `on_failure(error)` is called once if a run cannot
        begin or go on; `admit(target, scenarios)` raises RtbenchError where a run must not begin. In a `shaped`
        load users wait for `set_level` or `arrive`. Raises UsageError where a scenario cannot be used.
        """
        bench = _benches[environment] = cls(
            environment, settings, watch, on_failure, shaped=shaped, admit=admit
        )
        stats.bucket_response_time = _whole_milliseconds
        environment.stop_timeout = environment.stop_timeout or max(
            (scenario.stop_timeout.s for _, scenario in bench.scenarios()), default=0.0
        )
        return bench

    @property
    def failure(self) -> RtbenchError | None:
        """Why the run cannot go on; the first reason."""
        return self._failure.error

    @property
    def conductor(self) -> Conductor:
        """Where the run is led; not on a worker."""
        assert self._conductor is not None
        return self._conductor

    @property
    def keeper(self) -> RunKeeper | None:
        """The run under way."""
        return self.conductor.keeper

    @property
    def ended(self) -> RunKeeper | None:
        """The run that ended last."""
        return self.conductor.ended

    @property
    def pool(self) -> CallerPool:
        """The callers of this process. Raises StopUser where the run could not begin."""
        pool = (self._outpost or self.conductor).pool
        if pool is None:
            raise StopUser
        return pool

    @property
    def turnstile(self) -> Turnstile | None:
        """Where the users of this process wait until they may call; None where they need not."""
        return (self._outpost or self.conductor).turnstile

    def give_up(self, error: RtbenchError) -> None:
        """The run cannot go on; the first reason is the one that is told."""
        self._failure.tell(error)

    def begin_run(self) -> None:
        """See `Conductor.begin`."""
        self.conductor.begin()

    def abort_calls(self) -> None:
        """When the run ends, calls are to end at once instead of after their turn."""
        self.conductor.abort = True

    def scenarios(self) -> list[tuple[Path, Scenario]]:
        """The scenario files of the environment's user classes, each once. Raises UsageError where one cannot be used."""
        return list(
            {Path(user.scenario): self.scenario(user.scenario) for user in self._user_classes()}.items()
        )

    def scenario(self, path: str | Path) -> Scenario:
        """A user class's scenario, read once."""
        if not str(path):
            raise UsageError("A RealtimeUser needs `scenario`, the path of a scenario file.")
        return _read_scenario(Path(path))

    def _test_start(self, **_: Any) -> None:
        if self.keeper is None and self.scenarios():
            with contextlib.suppress(RtbenchError):  # told by `on_failure`
                self.begin_run()

    def _run_settings(self) -> RunSettings:
        """With the target as Locust has it: `--host` goes before the user class's own."""
        hosts = [user.host for user in self._user_classes()]
        target = self._environment.host or next(filter(None, hosts), None) or self._settings.target
        self._admit(target, [scenario for _, scenario in self.scenarios()])
        return replace(self._settings, target=target)

    def _sessions_planned(self) -> int | None:
        """Callers times their conversations; None where time bounds them, or nobody knows who has how many callers."""
        users = self._user_classes()
        runner = self._environment.runner
        if len(users) != 1 or runner is None or users[0].until_stopped or self.turnstile is not None:
            return None
        iterations = self.scenario(users[0].scenario).iterations_per_user
        return None if iterations is None else runner.target_user_count * iterations

    def _user_classes(self) -> list[Any]:
        return [user for user in self._environment.user_classes if hasattr(user, "scenario")]


@lru_cache(maxsize=64)
def _read_scenario(path: Path) -> Scenario:
    return load_scenario(path)


def _whole_milliseconds(response_time: float) -> int:
    """So that Locust's page agrees with ours; by itself it keeps two digits."""
    return round(response_time)
