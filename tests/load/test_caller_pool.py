"""The callers of a process, with their engine replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from locust.env import Environment
from locust.exception import StopUser

from rtbench.core.errors import TargetUnreachable
from rtbench.engine.messages import Configure, Goodbye
from rtbench.load import caller_pool
from rtbench.load.caller_pool import CallerPool
from rtbench.scenario.compile import session_seed

SETTINGS = Configure(
    "w1", ["a.yaml"], "http://127.0.0.1:9/v1", "openai_ga", "websocket", "run", first_user=40
)


class FakeEngine:
    pid = 4711
    refusal: TargetUnreachable | None = None

    def __init__(self, on_row: Callable[..., None], on_death: Callable[[str], None]) -> None:
        self.on_row, self.on_death = on_row, on_death
        self.steps: list[Any] = []
        self.goodbye: Goodbye | None = Goodbye({"turns": 6, "sessions": 2, "generator": 30})
        self.drain_s = 0.0
        self.fell_silent = False
        self.calls = 0

    def configure(self, settings: Configure) -> None:
        self.steps.append(settings)
        if self.refusal is not None:
            raise self.refusal

    def start_call(self, scenario: str, user: int, iteration: int, seed: int) -> tuple[Any, ...]:
        self.calls += 1
        return scenario, user, iteration, seed

    def drain(self) -> None:
        self.steps.append("drain")
        gevent.sleep(self.drain_s)
        self.steps.append("drained")

    def shut_down(self) -> Goodbye | None:
        self.steps.append("shut down")
        return self.goodbye


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    engines: list[FakeEngine] = []

    def start(*handlers: Callable[..., None]) -> FakeEngine:
        engines.append(FakeEngine(*handlers))
        return engines[-1]

    monkeypatch.setattr(caller_pool, "EngineClient", start)
    return engines


@pytest.fixture
def kept() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def requests() -> list[tuple[str, float | None, str]]:
    """What Locust's statistics were told: name, time, failure."""
    return []


@pytest.fixture
def pool(engines, kept, requests) -> CallerPool:
    environment = Environment()

    def note(request_type: str, name: str, response_time: float | None, exception: Any, **_: Any) -> None:
        assert request_type == "voice"
        requests.append((name, response_time, "" if exception is None else str(exception)))

    environment.events.request.add_listener(note)
    return CallerPool(environment, SETTINGS, lambda table, row: kept.append((table, row)))


@pytest.fixture
def engine(pool, engines) -> FakeEngine:
    return engines[0]


def turn(outcome: str, latency_ms: float | None = None, error_class: str = "") -> dict[str, Any]:
    return {"outcome": outcome, "voice_to_voice_ms": latency_ms, "error_class": error_class}


def session(outcome: str, connect_ms: float | None = 12.5, error_class: str = "") -> dict[str, Any]:
    return {"outcome": outcome, "connect_ms": connect_ms, "error_class": error_class}


def test_the_engine_is_configured_before_anybody_calls(pool, engine) -> None:
    assert engine.steps == [SETTINGS]
    assert (pool.engine_pid, pool.calls) == (4711, 0)


def test_an_engine_that_refuses_is_not_left_behind(engines, monkeypatch) -> None:
    monkeypatch.setattr(FakeEngine, "refusal", TargetUnreachable("nobody there"))
    with pytest.raises(TargetUnreachable):
        CallerPool(Environment(), SETTINGS, lambda table, row: None)
    assert engines[0].steps[-1] == "shut down"


def test_users_are_numbered_from_the_workers_first(pool) -> None:
    assert [pool.enroll() for _ in range(3)] == [40, 41, 42]


def test_a_call_is_drawn_from_the_runs_seed_and_who_holds_it(pool) -> None:
    assert pool.start_call("brief", 11, 40, 1) == ("brief", 40, 1, session_seed(11, 40, 1))
    assert pool.calls == 1


def test_all_rows_are_kept(pool, engine, kept) -> None:
    rows = [
        ("turns", turn("answered", 512.5)),
        ("sessions", session("completed")),
        ("generator", {"worker": "w1"}),
    ]
    for table, row in rows:
        engine.on_row(table, row)
    assert kept == rows


@pytest.mark.parametrize(
    ("table", "row", "told"),
    [
        ("turns", turn("answered", 512.5), [("voice_to_voice", 512.5, "")]),
        ("turns", turn("no_answer", None, "timeout"), [("voice_to_voice", None, "no_answer: timeout")]),
        ("turns", turn("not_asked"), []),
        ("sessions", session("completed"), [("connect", 12.5, "")]),
        ("sessions", session("drained"), [("connect", 12.5, "")]),
        ("sessions", session("failed", None, "refused"), [("connect", None, "failed: refused")]),
        ("sessions", session("dropped", 9.0, "close"), [("connect", 9.0, "dropped: close")]),
        ("generator", {"worker": "w1"}, []),
    ],
)
def test_locusts_page_is_told_of_turns_and_connections(engine, requests, table, row, told) -> None:
    engine.on_row(table, row)
    assert requests == told


def test_calls_end_their_turn_before_the_engine_ends(pool, engine) -> None:
    pool.end(5.0, abort=False)
    assert engine.steps[1:] == ["drain", "drained", "shut down"]
    assert (pool.rows_sent, pool.engine_died, pool.trace_error) == (8, False, "")


def test_a_turn_that_takes_too_long_is_cut(pool, engine) -> None:
    engine.drain_s = 5.0
    pool.end(0.001, abort=False)
    assert engine.steps[1:] == ["drain", "shut down"]


def test_an_aborted_run_waits_for_no_turn(pool, engine) -> None:
    pool.end(5.0, abort=True)
    assert engine.steps[1:] == ["shut down"]


def test_a_pool_ends_once(pool, engine) -> None:
    pool.end(5.0, abort=True)
    pool.end(5.0, abort=False)
    assert engine.steps[1:] == ["shut down"]


def test_nobody_calls_once_the_run_is_ending(pool, engine) -> None:
    pool.end(5.0, abort=True)
    with pytest.raises(StopUser):
        pool.start_call("brief", 11, 40, 0)
    assert engine.calls == 0


def test_a_trace_that_could_not_be_written_is_told(pool, engine) -> None:
    engine.goodbye = Goodbye({"turns": 1}, trace_error="The disk is full.")
    pool.end(5.0, abort=True)
    assert (pool.rows_sent, pool.trace_error) == (1, "The disk is full.")


def test_the_rows_of_an_engine_without_last_words_are_those_that_came(pool, engine) -> None:
    for table, row in (
        ("turns", turn("answered", 1.0)),
        ("sessions", session("completed")),
        ("generator", {}),
    ):
        engine.on_row(table, row)
    engine.goodbye = None
    pool.end(5.0, abort=True)
    assert (pool.rows_sent, pool.engine_died) == (2, True)


def test_the_death_of_the_engine_is_told_and_nobody_calls_any_more(pool, engine) -> None:
    assert pool.failure is None
    engine.on_death("killed by signal 9")
    assert pool.engine_died
    assert str(pool.failure) == "The engine of worker w1 died in mid-run (killed by signal 9)."
    with pytest.raises(StopUser):
        pool.start_call("brief", 11, 40, 0)


def test_an_engine_that_fell_silent_is_told_apart_from_one_that_died(pool, engine) -> None:
    engine.fell_silent = True
    engine.on_death("no sign of life for 10 s")
    assert (pool.engine_died, pool.engine_fell_silent) == (True, True)
    assert str(pool.failure) == (
        "The engine of worker w1 fell silent in mid-run and was killed (no sign of life for 10 s)."
    )
