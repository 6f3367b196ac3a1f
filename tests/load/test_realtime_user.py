"""The Locust user, with its environment's bench replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust import User
from locust.env import Environment
from locust.exception import StopUser

from rtbench.load.bench import Bench
from rtbench.load.realtime_user import RealtimeUser, caller_class
from rtbench.load.turnstile import Turnstile
from rtbench.scenario.load import load_scenario


class FakeCall:
    def __init__(self, during: Callable[[], None]) -> None:
        self.stops: list[bool] = []
        self._during = during

    def wait(self) -> None:
        self._during()

    def stop(self, *, abort: bool = False) -> None:
        self.stops.append(abort)


class FakePool:
    def __init__(self) -> None:
        self.started: list[tuple[str, int, int, int]] = []
        self.calls: list[FakeCall] = []
        self.during: Callable[[], None] = lambda: None
        self._next_user = 40

    def enroll(self) -> int:
        self._next_user += 1
        return self._next_user - 1

    def start_call(self, scenario: str, seed: int, user: int, iteration: int) -> FakeCall:
        self.started.append((scenario, seed, user, iteration))
        self.calls.append(FakeCall(self.during))
        return self.calls[-1]


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def turnstile(request) -> Turnstile | None:
    """None, as where Locust spawns as many as are to call; a test whose parameter says so has one."""
    return Turnstile() if getattr(request, "param", False) else None


shaped = pytest.mark.parametrize("turnstile", [True], indirect=True)


@pytest.fixture
def caller(pool, turnstile, scenario_file, monkeypatch) -> Callable[..., RealtimeUser]:
    """Make a caller of the scenario."""
    bench = SimpleNamespace(pool=pool, scenario=lambda path: load_scenario(Path(path)), turnstile=turnstile)
    monkeypatch.setattr(Bench, "of", lambda environment: bench)
    environment = Environment()

    def make(*, until_stopped: bool = False) -> RealtimeUser:
        return caller_class(scenario_file, until_stopped=until_stopped)(environment)

    return make


def test_a_caller_holds_as_many_conversations_as_the_scenario_says(caller, pool) -> None:
    user = caller()
    user.converse()
    with pytest.raises(StopUser):
        user.converse()
    assert pool.started == [("brief", 11, 40, 0), ("brief", 11, 40, 1)]


def test_a_caller_until_stopped_calls_again_and_again(caller, pool) -> None:
    user = caller(until_stopped=True)
    for _ in range(5):
        user.converse()
    assert [iteration for *_, iteration in pool.started] == [0, 1, 2, 3, 4]


def test_every_caller_has_a_number_of_its_own_from_its_first_call_on(caller, pool) -> None:
    first, second = caller(), caller()
    second.converse()
    first.converse()
    assert [user for _, _, user, _ in pool.started] == [40, 41]


def test_the_wait_between_two_calls_is_the_scenarios_in_seconds(caller) -> None:
    assert caller().wait_time() == pytest.approx(0.1)


@pytest.mark.parametrize("force", [False, True])
def test_who_is_stopped_in_mid_call_ends_it_after_the_turn_or_at_once(
    caller, pool, monkeypatch, force
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(User, "stop", lambda self, force=False: told.append(force))
    user = caller()
    pool.during = lambda: user.stop(force)
    user.converse()
    assert pool.calls[0].stops == told == [force]


def test_who_is_stopped_between_two_calls_has_none_to_end(caller, pool, monkeypatch) -> None:
    monkeypatch.setattr(User, "stop", lambda self, force=False: "stopped")
    user = caller()
    user.converse()
    assert user.stop() == "stopped"
    assert pool.calls[0].stops == []


def test_a_call_that_is_killed_is_not_counted_and_not_stopped_again(caller, pool, monkeypatch) -> None:
    monkeypatch.setattr(User, "stop", lambda self, force=False: None)

    def killed() -> Any:
        raise SystemExit

    user = caller()
    pool.during = killed
    with pytest.raises(SystemExit):
        user.converse()
    user.stop()
    assert pool.calls[0].stops == []
    pool.during = lambda: None
    user.converse()
    assert [iteration for *_, iteration in pool.started] == [0, 0]


def test_a_caller_before_the_run_has_begun_stops(caller, pool, monkeypatch) -> None:
    class Idle:
        scenario = staticmethod(lambda path: load_scenario(Path(path)))

        @property
        def pool(self) -> FakePool:
            raise StopUser

    monkeypatch.setattr(Bench, "of", lambda environment: Idle())
    with pytest.raises(StopUser):
        caller().converse()
    assert pool.started == []


def test_the_class_itself_is_not_spawned_and_that_of_a_scenario_is(scenario_file) -> None:
    assert RealtimeUser.abstract
    made = caller_class(scenario_file, until_stopped=True)
    assert not made.abstract
    assert (made.scenario, made.until_stopped) == (scenario_file, True)


@shaped
def test_in_a_closed_load_a_caller_keeps_its_place_from_call_to_call(caller, pool, turnstile) -> None:
    user = caller(until_stopped=True)
    turnstile.set_level(1)
    user.converse()
    user.converse()
    assert len(pool.started) == 2
    assert user.wait_time() == pytest.approx(0.1)


@shaped
def test_a_caller_who_is_wanted_no_longer_ends_its_call_after_the_turn_and_waits(
    caller, pool, turnstile
) -> None:
    user = caller(until_stopped=True)
    turnstile.set_level(1)
    pool.during = lambda: turnstile.set_level(0)
    user.converse()
    assert pool.calls[0].stops == [False]
    pool.during = lambda: None
    waiting = gevent.spawn(user.converse)
    gevent.sleep(0)
    assert len(pool.started) == turnstile.waiting == 1
    turnstile.set_level(1)
    waiting.get(timeout=1)
    assert len(pool.started) == 2


@shaped
def test_in_an_open_load_a_caller_holds_one_call_for_each_arrival_without_a_pause(
    caller, pool, turnstile
) -> None:
    user = caller(until_stopped=True)
    first = gevent.spawn(user.converse)
    gevent.sleep(0)
    turnstile.arrive()
    first.get(timeout=1)
    assert user.wait_time() == 0.0
    second = gevent.spawn(user.converse)
    gevent.sleep(0)
    assert len(pool.started) == 1
    turnstile.arrive()
    second.get(timeout=1)
    assert len(pool.started) == 2


@shaped
def test_who_waits_to_be_let_in_is_stopped_at_once(caller, monkeypatch) -> None:
    told: list[bool] = []
    monkeypatch.setattr(User, "stop", lambda self, force=False: told.append(force))
    user = caller(until_stopped=True)
    waiting = gevent.spawn(user.converse)
    gevent.sleep(0)
    user.stop()
    waiting.kill()
    user.stop()
    assert told == [True, False]
