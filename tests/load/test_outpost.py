"""A worker at its master's word, with its engine and its messages replaced."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from rtbench.core.errors import RunInvalid, TargetUnreachable
from rtbench.engine.messages import Configure
from rtbench.load.bench import Bench
from rtbench.load.messages import ARRIVAL, BEGIN, DRAIN, DRAINED, FAILED, LEVEL, READY
from rtbench.load.row_channel import ROWS, unpack_rows

HOST = "http://127.0.0.1:9/v1"
TURN = {"session": "w0-000001", "number": 1}
CALLERS = {"user_classes": ["Caller"]}


@pytest.fixture
def worker(attach, worker_runner) -> Any:
    attach(worker_runner)
    return worker_runner


@pytest.fixture
def configure(scenario_file, tmp_path) -> dict[str, Any]:
    names = {"worker": "w1", "scenarios": [str(scenario_file)], "target": HOST, "dialect": "openai_ga"}
    return {**names, "transport": "websocket", "run_directory": str(tmp_path), "first_user": 5}


def test_a_worker_that_cannot_begin_tells_the_master_why(worker, stage, configure) -> None:
    stage.refusal = TargetUnreachable("nobody there")
    worker.come(BEGIN, {"configure": configure, "shaped": False, **CALLERS})
    assert worker.sent == [(FAILED, {"message": "nobody there", "exit_code": 5}, None)]


def test_a_worker_that_knows_other_users_than_the_master_says_so(worker, stage, configure) -> None:
    worker.come(BEGIN, {"configure": configure, "shaped": False, "user_classes": ["Caller", "Shopper"]})
    ((name, told, _),) = worker.sent
    assert (name, told["exit_code"]) == (FAILED, 1)
    assert told["message"].startswith("Worker w1 has no user class 'Shopper', only Caller; start it on the")
    assert stage.pools == []


def test_a_worker_is_ready_and_its_last_row_goes_before_its_report(worker, stage, configure) -> None:
    worker.come(BEGIN, {"configure": configure, "shaped": False, **CALLERS})
    assert stage.pools[0].settings == Configure(**configure)
    assert [name for name, _, _ in worker.sent] == [READY]
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": False})
    assert stage.pools[0].ends == [(4.0, False)]
    (rows, report) = worker.sent[1:]
    assert (rows[0], unpack_rows(rows[1])) == (ROWS, [("turns", TURN)])
    assert (report[0], report[1]["rows_sent"]) == (DRAINED, 1)


def test_a_worker_whose_engine_died_tells_the_master_when_it_drains(worker, stage, configure) -> None:
    worker.come(BEGIN, {"configure": configure, "shaped": False, **CALLERS})
    stage.pools[0].failure = RunInvalid("The engine of worker w1 died in mid-run.")
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": False})
    assert [name for name, _, _ in worker.sent] == [READY, FAILED, ROWS, DRAINED]


def test_a_worker_that_never_began_drains_all_the_same(worker) -> None:
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": True})
    assert [(name, data["rows_sent"]) for name, data, _ in worker.sent] == [(DRAINED, 0)]


def test_a_worker_that_begins_anew_ends_what_it_still_held(worker, stage, configure) -> None:
    worker.come(BEGIN, {"configure": configure, "shaped": False, **CALLERS})
    worker.come(BEGIN, {"configure": configure, "shaped": False, **CALLERS})
    assert len(stage.pools) == 2
    assert stage.pools[0].ends == [(0.0, True)]


def test_a_worker_lets_in_as_many_as_its_master_says(worker, stage, configure) -> None:
    worker.come(BEGIN, {"configure": configure, "shaped": True, **CALLERS})
    turnstile = Bench.of(worker.environment).turnstile
    waiting = [gevent.spawn(turnstile.admit) for _ in range(3)]
    gevent.sleep(0)
    worker.come(LEVEL, {"users": 1})
    worker.come(ARRIVAL)
    gevent.sleep(0)
    assert [user.value.single for user in waiting if user.ready()] == [False, True]
    worker.come(ARRIVAL)
    worker.come(ARRIVAL)
    stage.pools[0].calls_started = 3
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": False})
    report = worker.sent[-1][1]
    assert (report["sessions_started"], report["sessions_not_started"]) == (3, 1)


def test_a_worker_whose_load_has_no_shape_lets_nobody_wait(worker, configure) -> None:
    worker.come(BEGIN, {"configure": configure, "shaped": False, **CALLERS})
    worker.come(LEVEL, {"users": 1})
    worker.come(ARRIVAL)
    assert Bench.of(worker.environment).turnstile is None
