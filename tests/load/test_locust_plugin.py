"""What plain Locust is told, with its environment and the bench replaced."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.event import EventHook
from locust.runners import WorkerRunner

from rtbench.core.errors import BudgetReached, RunInvalid, TargetUnreachable, UsageError
from rtbench.load import locust_plugin
from rtbench.load.bench import Bench
from rtbench.load.run_keeper import RunSettings


class FakeWorkerRunner(WorkerRunner):
    """A worker's runner that has no master."""

    greenlet = None

    def __init__(self) -> None:
        """Nothing is connected or spawned."""


@pytest.fixture
def init(monkeypatch: pytest.MonkeyPatch) -> EventHook:
    """Locust's `init` event, with nobody registered."""
    hook = EventHook()
    others = SimpleNamespace(init=hook, init_command_line_parser=EventHook())
    monkeypatch.setattr(locust_plugin, "events", others)
    monkeypatch.setattr(locust_plugin, "_registered", False)
    return hook


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, RunSettings, Callable[..., None]]]:
    """The environments that were given a bench, with its settings and what a failure calls."""
    attached: list[tuple[Any, RunSettings, Callable[..., None]]] = []

    def attach(
        environment: Any, settings: RunSettings, on_failure: Callable[..., None], **spending: Any
    ) -> None:
        environment.spending = spending
        attached.append((environment, settings, on_failure))

    monkeypatch.setattr(Bench, "attach", attach)
    return attached


@pytest.fixture
def calls() -> list[str]:
    """What the runner was told to do."""
    return []


@pytest.fixture
def environment(calls) -> SimpleNamespace:
    runner = SimpleNamespace(quit=lambda: calls.append("quit"), stop=lambda: calls.append("stop"))
    return SimpleNamespace(runner=runner, web_ui=None, process_exit_code=None, parsed_options=None)


@pytest.fixture
def fail(init, attached, environment) -> Callable[[Exception], None]:
    """Let the run of the environment fail."""
    locust_plugin.register()
    init.fire(environment=environment)
    ((_, _, on_failure),) = attached

    def fail(error: Exception) -> None:
        on_failure(error)
        gevent.idle()

    return fail


def test_nothing_is_attached_before_locust_is_ready(init, attached) -> None:
    locust_plugin.register()
    assert attached == []


def test_an_environment_gets_one_bench_however_often_we_register(init, attached, environment) -> None:
    locust_plugin.register()
    locust_plugin.register()
    init.fire(environment=environment, runner=None, web_ui=None)
    assert [each for each, _, _ in attached] == [environment]
    assert attached[0][1].target == "emulator"


def test_a_scenario_that_cannot_be_used_ends_locust_with_one_sentence(init, monkeypatch, caplog) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise UsageError("a.yaml: no such file")

    monkeypatch.setattr(Bench, "attach", refuse)
    locust_plugin.register()
    with pytest.raises(SystemExit) as ended:
        init.fire(environment=SimpleNamespace(parsed_options=None))
    assert ended.value.code == 1
    assert [record.getMessage() for record in caplog.records] == ["a.yaml: no such file"]


def test_a_failure_ends_the_process_with_its_code_where_nobody_watches(
    fail, environment, calls, caplog
) -> None:
    fail(TargetUnreachable("nobody there"))
    assert calls == ["quit"]
    assert environment.process_exit_code == 5
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "nobody there")


def test_with_a_page_a_failure_ends_the_test_only(fail, environment, calls) -> None:
    environment.web_ui = object()
    fail(RunInvalid("an engine died"))
    assert calls == ["stop"]
    assert environment.process_exit_code == 4


def test_a_failure_before_there_is_a_runner_is_told(fail, environment, caplog) -> None:
    environment.runner = None
    fail(RunInvalid("an engine died"))
    assert caplog.messages == ["an engine died"]
    assert environment.process_exit_code == 4


def test_a_worker_leaves_the_decision_to_the_master(fail, environment, caplog) -> None:
    environment.runner = FakeWorkerRunner()
    fail(RunInvalid("an engine died"))
    assert environment.process_exit_code is None
    assert caplog.records == []


def test_what_is_spent_is_watched_and_ends_the_run_at_its_limit(
    init, attached, environment, monkeypatch
) -> None:
    environment.parsed_options = SimpleNamespace(budget_minutes=1.0)
    given_up: list[Exception] = []
    monkeypatch.setattr(Bench, "of", lambda environment: SimpleNamespace(give_up=given_up.append))
    locust_plugin.register()
    init.fire(environment=environment)
    environment.spending["admit"]("emulator", [])
    row = {"sessions": 40, "interval_ms": 1_000.0}
    environment.spending["watch"]("generator", row)
    assert given_up == []
    environment.spending["watch"]("generator", row)
    (reached,) = given_up
    assert isinstance(reached, BudgetReached)
