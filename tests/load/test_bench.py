"""The bench of a local run, of a master and of a worker, with engines, emulator and messages replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, WorkerRunner

from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable, UsageError
from rtbench.engine.messages import Configure
from rtbench.load import bench as module
from rtbench.load.bench import USERS_PER_WORKER, Bench, BenchSettings
from rtbench.load.messages import BEGIN, DRAIN, DRAINED, FAILED, READY
from rtbench.load.realtime_user import caller_class
from rtbench.load.row_channel import ROWS, Outbox, unpack_rows

HOST = "http://127.0.0.1:9/v1"
TURN = {"session": "w0-000001", "number": 1}


class FakePool:
    """Callers without an engine: hands over the rows that it is given."""

    def __init__(self, environment: Environment, settings: Configure, sink: Callable[..., None]) -> None:
        self.settings, self.sink = settings, sink
        self.failure: RunInvalid | None = None
        self.rows_sent = 0
        self.engine_died = False
        self.trace_error = ""
        self.ends: list[tuple[float, bool]] = []

    def end(self, timeout_s: float, *, abort: bool) -> None:
        self.ends.append((timeout_s, abort))
        self.sink("turns", TURN)
        self.rows_sent += 1


class FakeEmulator:
    url = "http://127.0.0.1:40123/v1"

    def __init__(self, settings: Any, corpus: Path, log: Path) -> None:
        self.log = log
        self.gone: TargetUnreachable | None = None
        self.stopped = False

    def death(self) -> TargetUnreachable | None:
        return self.gone

    def stop(self) -> None:
        self.stopped = True


class Wire:
    """Locust's messages: what was sent, and the handlers of what may come."""

    greenlet = None

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, str | None]] = []
        self.handlers: dict[str, Callable[..., None]] = {}
        self.answer: Callable[[str, str | None], None] = lambda name, client_id: None
        self.clients = SimpleNamespace(all=[])

    def register_message(self, name: str, handler: Callable[..., None], concurrent: bool = False) -> None:
        self.handlers[name] = handler

    def send_message(self, name: str, data: Any = None, client_id: str | None = None) -> None:
        self.sent.append((name, data, client_id))
        self.answer(name, client_id)

    def come(self, name: str, data: Any = None, node_id: str = "") -> None:
        self.handlers[name](msg=SimpleNamespace(data=data, node_id=node_id), environment=None)


class FakeLocal(LocalRunner):
    greenlet = None

    def __init__(self) -> None:
        """Nothing is spawned."""


class FakeMaster(Wire, MasterRunner):
    """A master with two workers that become ready and drain as soon as they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.clients.all = [SimpleNamespace(id=name, state="ready") for name in ("left", "right")]
        self.answer = self.obey

    def obey(self, name: str, client_id: str | None) -> None:
        if name == BEGIN:
            self.come(READY, node_id=client_id)
        elif name == DRAIN:
            for client in self.clients.all:
                self.come(DRAINED, {"rows_sent": 1}, client.id)


class FakeWorker(Wire, WorkerRunner):
    """A worker whose master is the test."""


class Stage:
    def __init__(self) -> None:
        self.pools: list[FakePool] = []
        self.emulators: list[FakeEmulator] = []
        self.refusal: RtbenchError | None = None
        self.failures: list[RtbenchError] = []
        self.watched: list[tuple[str, dict[str, Any]]] = []

    def pool(self, environment: Environment, settings: Configure, sink: Callable[..., None]) -> FakePool:
        if self.refusal is not None:
            raise self.refusal
        self.pools.append(FakePool(environment, settings, sink))
        return self.pools[-1]

    def emulator(self, settings: Any, corpus: Path, log: Path) -> FakeEmulator:
        self.emulators.append(FakeEmulator(settings, corpus, log))
        return self.emulators[-1]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(module, "CallerPool", stage.pool)
    monkeypatch.setattr(module, "EmbeddedEmulator", stage.emulator)
    monkeypatch.setattr(module.stats, "bucket_response_time", module.stats.bucket_response_time)
    return stage


@pytest.fixture
def environment(scenario_file) -> Environment:
    return Environment(user_classes=[caller_class(scenario_file, until_stopped=False)])


@pytest.fixture
def attach(stage, environment, tmp_path) -> Callable[..., Bench]:
    """Give the environment this runner and its bench."""

    def attach(runner: Any, target: str = HOST) -> Bench:
        environment.runner = runner
        settings = BenchSettings(target, out=tmp_path / "reports", command=("rtbench", "run"))
        watch = lambda table, row: stage.watched.append((table, row))  # noqa: E731
        return Bench.attach(environment, settings, watch, stage.failures.append)

    return attach


def reconciliation(bench: Bench) -> dict[str, Any]:
    assert bench.ended is not None
    found: dict[str, Any] = json.loads(bench.ended.directory.run_json.read_text())["reconciliation"]
    return found


def test_an_environment_has_its_bench_and_the_scenarios_patience(attach, environment) -> None:
    with pytest.raises(KeyError):
        Bench.of(environment)
    bench = attach(FakeLocal())
    assert Bench.of(environment) is bench
    assert environment.stop_timeout == 7.0
    environment.stop_timeout = 3.0
    attach(FakeLocal())
    assert environment.stop_timeout == 3.0  # what was asked for stays


def test_a_scenario_that_cannot_be_used_is_refused_at_once(attach, environment, tmp_path) -> None:
    environment.user_classes = [caller_class(tmp_path / "nowhere.yaml", until_stopped=False)]
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        attach(FakeLocal())


def test_a_caller_without_a_scenario_is_told_what_it_needs(attach, environment) -> None:
    environment.user_classes = [caller_class("", until_stopped=False)]
    with pytest.raises(UsageError, match=r"needs `scenario`"):
        attach(FakeLocal())


def test_nobody_calls_before_the_run_has_begun(attach) -> None:
    with pytest.raises(StopUser):
        attach(FakeLocal()).pool  # noqa: B018  # it is the asking that raises


def test_locusts_page_shows_whole_milliseconds(attach) -> None:
    attach(FakeLocal())
    assert module.stats.bucket_response_time(1234.6) == 1235


def test_a_local_run_has_an_engine_and_keeps_its_rows(attach, environment, stage, scenario_file) -> None:
    bench = attach(FakeLocal())
    bench.begin_run()
    (pool,) = stage.pools
    assert bench.pool is pool
    configure = pool.settings
    assert (configure.worker, configure.first_user) == ("w0", 0)
    assert (configure.scenarios, configure.target) == ([str(scenario_file)], HOST)
    assert configure.run_directory == str(bench.keeper.directory.path)
    environment.events.test_stopping.fire(environment=environment)
    assert pool.ends == [(7.0, False)]
    assert stage.watched == [("turns", TURN)]
    counted = reconciliation(bench)
    assert (counted["rows_sent"], counted["rows_received"]) == (1, 1)
    assert (counted["workers_planned"], counted["workers_finished"]) == (1, 1)
    assert not counted["interrupted"]
    pool.sink("turns", TURN)
    assert len(stage.watched) == 1  # rows after the end are nobody's


def test_a_run_that_is_stopped_twice_ends_once(attach, environment, stage) -> None:
    bench = attach(FakeLocal())
    bench.begin_run()
    (pool,) = stage.pools
    held, drain = Event(), pool.end

    def end(timeout_s: float, *, abort: bool) -> None:
        held.wait()
        drain(timeout_s, abort=abort)

    pool.end = end
    stops = [gevent.spawn(environment.events.test_stopping.fire, environment=environment) for _ in range(2)]
    gevent.sleep(0)
    held.set()
    gevent.joinall(stops, raise_error=True)
    assert pool.ends == [(7.0, False)]
    assert reconciliation(bench)["rows_sent"] == 1


def test_locust_itself_begins_a_run_once(attach, environment, stage) -> None:
    attach(FakeLocal())
    environment.events.test_start.fire(environment=environment)
    environment.events.test_start.fire(environment=environment)
    assert len(stage.pools) == 1
    environment.events.test_stopping.fire(environment=environment)


def test_without_callers_there_is_no_run(attach, environment, stage, tmp_path) -> None:
    environment.user_classes = []
    bench = attach(FakeLocal())
    environment.events.test_start.fire(environment=environment)
    environment.events.test_stopping.fire(environment=environment)
    assert (stage.pools, bench.ended, (tmp_path / "reports").exists()) == ([], None, False)


def test_calls_are_ended_at_once_where_the_run_is_aborted(attach, environment, stage) -> None:
    bench = attach(FakeLocal())
    bench.begin_run()
    bench.abort = True
    environment.events.test_stopping.fire(environment=environment)
    assert stage.pools[0].ends == [(7.0, True)]
    assert reconciliation(bench)["interrupted"]


def test_a_run_without_a_target_has_an_emulator_until_its_end(attach, environment, stage) -> None:
    bench = attach(FakeLocal(), target="emulator")
    bench.begin_run()
    (emulator,) = stage.emulators
    assert stage.pools[0].settings.target == FakeEmulator.url
    assert emulator.log == bench.keeper.directory.emulator_log
    assert not emulator.stopped
    environment.events.test_stopping.fire(environment=environment)
    assert emulator.stopped


@pytest.mark.parametrize(
    ("option", "of_the_class", "target"),
    [
        ("", "", HOST),
        ("", "http://class/v1", "http://class/v1"),
        ("http://o/v1", "http://class/v1", "http://o/v1"),
    ],
)
def test_the_host_option_goes_before_the_classs(
    attach, environment, stage, option, of_the_class, target
) -> None:
    environment.user_classes[0].host = of_the_class
    environment.host = option
    attach(FakeLocal()).begin_run()
    assert stage.pools[0].settings.target == target
    environment.events.test_stopping.fire(environment=environment)


def test_a_run_that_cannot_begin_leaves_nothing_and_tells_once(attach, stage, tmp_path) -> None:
    bench = attach(FakeLocal(), target="emulator")
    stage.refusal = TargetUnreachable("nobody there")
    with pytest.raises(TargetUnreachable):
        bench.begin_run()
    assert stage.failures == [stage.refusal] == [bench.failure]
    assert stage.emulators[0].stopped
    assert list((tmp_path / "reports").iterdir()) == []
    assert bench.keeper is None


def test_the_death_of_the_emulator_or_of_an_engine_fails_the_run(attach, environment, stage) -> None:
    bench = attach(FakeLocal(), target="emulator")
    bench.begin_run()
    death, later = TargetUnreachable("The emulator went away."), RunInvalid("The engine died.")
    stage.emulators[0].gone, stage.pools[0].failure = death, later
    environment.events.test_stopping.fire(environment=environment)
    assert stage.failures == [death]


def test_a_master_gives_every_worker_its_name_and_its_own_users(attach, stage, environment) -> None:
    master = FakeMaster()
    bench = attach(master)
    bench.begin_run()
    begun = [
        (client, data["worker"], data["first_user"]) for name, data, client in master.sent if name == BEGIN
    ]
    assert begun == [("left", "w0", 0), ("right", "w1", USERS_PER_WORKER)]
    assert stage.pools == []
    environment.events.test_stopping.fire(environment=environment)
    assert [data for name, data, _ in master.sent if name == DRAIN] == [{"timeout_s": 7.0, "abort": False}]
    assert reconciliation(bench)["workers_finished"] == 2


def test_a_master_keeps_the_rows_of_its_workers(attach, stage, environment) -> None:
    master = FakeMaster()
    bench = attach(master)
    bench.begin_run()
    for worker in ("left", "right"):
        outbox = Outbox("w", lambda name, data, node=worker: master.come(name, data, node))
        outbox.take("turns", {**TURN, "session": worker})
        outbox.flush()
    environment.events.test_stopping.fire(environment=environment)
    assert [row["session"] for _, row in stage.watched] == ["left", "right"]
    counted = reconciliation(bench)
    assert (counted["rows_sent"], counted["rows_received"]) == (2, 2)


def test_a_worker_that_does_not_become_ready_is_named(attach, stage, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(module, "READY_TIMEOUT_S", 0.01)
    master = FakeMaster()
    master.answer = lambda name, client: (
        master.obey(name, client) if (name, client) != (BEGIN, "right") else None
    )
    with pytest.raises(RunInvalid, match=r"^Of 2 workers w1 did not become ready\.$"):
        attach(master).begin_run()
    assert master.sent[-1] == (DRAIN, {"timeout_s": 0.0, "abort": True}, None)


def test_what_a_worker_says_of_its_failure_is_the_runs(attach, stage) -> None:
    master = FakeMaster()
    bench = attach(master)
    told = {"message": "nobody there", "exit_code": 5}
    master.answer = lambda name, client: (
        master.come(FAILED, told, client) if name == BEGIN else master.obey(name, client)
    )
    with pytest.raises(RtbenchError, match=r"^nobody there$") as caught:
        bench.begin_run()
    assert caught.value.exit_code == 5
    assert len(stage.failures) == 1


def test_a_worker_that_goes_missing_fails_the_run(attach, stage, environment) -> None:
    master = FakeMaster()
    bench = attach(master)
    bench.begin_run()
    gone = master.clients.all.pop()
    gone.state = STATE_MISSING
    master.clients.all.insert(0, gone)
    master.answer = lambda name, client: master.come(DRAINED, {"rows_sent": 0}, "left")
    environment.events.test_stopping.fire(environment=environment)
    assert [str(failure) for failure in stage.failures] == ["Worker w1 went missing in mid-run."]
    assert reconciliation(bench)["workers_finished"] == 1


@pytest.fixture
def worker(attach) -> FakeWorker:
    runner = FakeWorker()
    attach(runner)
    return runner


@pytest.fixture
def configure(scenario_file, tmp_path) -> dict[str, Any]:
    names = {"worker": "w1", "scenarios": [str(scenario_file)], "target": HOST, "dialect": "openai_ga"}
    return {**names, "transport": "websocket", "run_directory": str(tmp_path), "first_user": 5}


def test_a_worker_that_cannot_begin_tells_the_master_why(worker, stage, configure) -> None:
    stage.refusal = TargetUnreachable("nobody there")
    worker.come(BEGIN, configure)
    assert worker.sent == [(FAILED, {"message": "nobody there", "exit_code": 5}, None)]


def test_a_worker_is_ready_and_its_last_row_goes_before_its_report(worker, stage, configure) -> None:
    worker.come(BEGIN, configure)
    assert stage.pools[0].settings == Configure(**configure)
    assert [name for name, _, _ in worker.sent] == [READY]
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": False})
    assert stage.pools[0].ends == [(4.0, False)]
    (rows, report) = worker.sent[1:]
    assert (rows[0], unpack_rows(rows[1])) == (ROWS, [("turns", TURN)])
    assert (report[0], report[1]["rows_sent"]) == (DRAINED, 1)


def test_a_worker_whose_engine_died_tells_the_master_when_it_drains(worker, stage, configure) -> None:
    worker.come(BEGIN, configure)
    stage.pools[0].failure = RunInvalid("The engine of worker w1 died in mid-run.")
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": False})
    assert [name for name, _, _ in worker.sent] == [READY, FAILED, ROWS, DRAINED]


def test_a_worker_that_never_began_drains_all_the_same(worker) -> None:
    worker.come(DRAIN, {"timeout_s": 4.0, "abort": True})
    assert [(name, data["rows_sent"]) for name, data, _ in worker.sent] == [(DRAINED, 0)]


def test_a_worker_that_begins_anew_ends_what_it_still_held(worker, stage, configure) -> None:
    worker.come(BEGIN, configure)
    worker.come(BEGIN, configure)
    assert len(stage.pools) == 2
    assert stage.pools[0].ends == [(0.0, True)]
