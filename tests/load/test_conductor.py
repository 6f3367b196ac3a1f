"""The leading of a local run and of several workers, with engines, emulator and messages replaced."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event
from locust.runners import STATE_MISSING

from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable
from rtbench.load import conductor as module
from rtbench.load.conductor import USERS_PER_WORKER
from rtbench.load.messages import ARRIVAL, BEGIN, DRAIN, DRAINED, FAILED, LEVEL
from rtbench.load.row_channel import Outbox

HOST = "http://127.0.0.1:9/v1"
TURN = {"session": "w0-000001", "number": 1}


def test_a_local_run_has_an_engine_and_keeps_its_rows(
    attach, environment, stage, scenario_file, local, reconciliation
) -> None:
    bench = attach(local)
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


def test_a_run_that_is_stopped_twice_ends_once(attach, environment, stage, local, reconciliation) -> None:
    bench = attach(local)
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


def test_calls_are_ended_at_once_where_the_run_is_aborted(
    attach, environment, stage, local, reconciliation
) -> None:
    bench = attach(local)
    bench.begin_run()
    bench.abort_calls()
    environment.events.test_stopping.fire(environment=environment)
    assert stage.pools[0].ends == [(7.0, True)]
    assert reconciliation(bench)["interrupted"]


def test_a_run_without_a_target_has_an_emulator_until_its_end(attach, environment, stage, local) -> None:
    bench = attach(local, target="emulator")
    bench.begin_run()
    (emulator,) = stage.emulators
    assert stage.pools[0].settings.target == "http://127.0.0.1:40123/v1"
    assert emulator.log == bench.keeper.directory.emulator_log
    assert not emulator.stopped
    environment.events.test_stopping.fire(environment=environment)
    assert emulator.stopped


def test_a_run_that_cannot_begin_leaves_nothing_and_tells_once(attach, stage, tmp_path, local) -> None:
    bench = attach(local, target="emulator")
    stage.refusal = TargetUnreachable("nobody there")
    with pytest.raises(TargetUnreachable):
        bench.begin_run()
    assert stage.failures == [stage.refusal] == [bench.failure]
    assert stage.emulators[0].stopped
    assert list((tmp_path / "reports").iterdir()) == []
    assert bench.keeper is None


def test_the_death_of_the_emulator_or_of_an_engine_fails_the_run(attach, environment, stage, local) -> None:
    bench = attach(local, target="emulator")
    bench.begin_run()
    death, later = TargetUnreachable("The emulator went away."), RunInvalid("The engine died.")
    stage.emulators[0].gone, stage.pools[0].failure = death, later
    environment.events.test_stopping.fire(environment=environment)
    assert stage.failures == [death]
    assert stage.pools[0].ends == [
        (3.0, False)
    ]  # of the 7 s that calls have otherwise: nobody will end their turns


def test_a_master_gives_every_worker_its_name_and_its_own_users(
    attach, stage, environment, master, reconciliation
) -> None:
    bench = attach(master)
    bench.begin_run()
    begun = [
        (client, data["configure"]["worker"], data["configure"]["first_user"])
        for name, data, client in master.sent
        if name == BEGIN
    ]
    assert begun == [("left", "w0", 0), ("right", "w1", USERS_PER_WORKER)]
    assert stage.pools == []
    environment.events.test_stopping.fire(environment=environment)
    assert [data for name, data, _ in master.sent if name == DRAIN] == [{"timeout_s": 7.0, "abort": False}]
    assert reconciliation(bench)["workers_finished"] == 2


def test_a_master_keeps_the_rows_of_its_workers(attach, stage, environment, master, reconciliation) -> None:
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


def test_a_worker_that_does_not_become_ready_is_named(attach, stage, monkeypatch, tmp_path, master) -> None:
    monkeypatch.setattr(module, "READY_TIMEOUT_S", 0.01)
    master.answer = lambda name, client: (
        master.obey(name, client) if (name, client) != (BEGIN, "right") else None
    )
    with pytest.raises(RunInvalid, match=r"^Of 2 workers w1 did not become ready\.$"):
        attach(master).begin_run()
    assert master.sent[-1] == (DRAIN, {"timeout_s": 0.0, "abort": True}, None)


def test_what_a_worker_says_of_its_failure_is_the_runs(attach, stage, master) -> None:
    bench = attach(master)
    told = {"message": "nobody there", "exit_code": 5}
    master.answer = lambda name, client: (
        master.come(FAILED, told, client) if name == BEGIN else master.obey(name, client)
    )
    with pytest.raises(RtbenchError, match=r"^nobody there$") as caught:
        bench.begin_run()
    assert caught.value.exit_code == 5
    assert len(stage.failures) == 1


def test_a_worker_that_goes_missing_fails_the_run(attach, stage, environment, master, reconciliation) -> None:
    bench = attach(master)
    bench.begin_run()
    gone = master.clients.all.pop()
    gone.state = STATE_MISSING
    master.clients.all.insert(0, gone)
    master.answer = lambda name, client: master.come(DRAINED, {"rows_sent": 0}, "left")
    environment.events.test_stopping.fire(environment=environment)
    assert [str(failure) for failure in stage.failures] == ["Worker w1 went missing in mid-run."]
    assert reconciliation(bench)["workers_finished"] == 1


def test_sessions_are_counted_as_planned_and_started(
    attach, environment, stage, local, reconciliation
) -> None:
    bench = attach(local)
    bench.begin_run()
    stage.pools[0].calls_started = 5
    environment.events.test_stopping.fire(environment=environment)
    counted = reconciliation(bench)
    assert counted["sessions_planned"] == 3 * 2  # users times iterations
    assert (counted["sessions_started"], counted["sessions_not_started"]) == (5, 0)


def test_time_plans_no_number_of_sessions(attach, environment, stage, local, reconciliation) -> None:
    environment.user_classes[0].until_stopped = True
    bench = attach(local)
    bench.begin_run()
    environment.events.test_stopping.fire(environment=environment)
    assert reconciliation(bench)["sessions_planned"] is None


def test_arrivals_are_planned_sessions_and_those_without_a_caller_are_told(
    attach, environment, stage, local, reconciliation
) -> None:
    bench = attach(local, shaped=True)
    bench.begin_run()
    waiting = gevent.spawn(bench.turnstile.admit)
    gevent.sleep(0)
    for _ in range(3):
        bench.conductor.arrive()
    gevent.sleep(0)
    assert waiting.value.single
    assert bench.conductor.level == 3
    environment.events.test_stopping.fire(environment=environment)
    counted = reconciliation(bench)
    assert (counted["sessions_planned"], counted["sessions_not_started"]) == (3, 2)


def test_workers_share_the_callers_and_take_turns_with_arrivals(attach, stage, environment, master) -> None:
    bench = attach(master, shaped=True)
    bench.begin_run()
    told = [(data["shaped"], data["user_classes"]) for name, data, _ in master.sent if name == BEGIN]
    assert told == [(True, ["Caller"])] * 2
    bench.conductor.set_level(7)
    for _ in range(3):
        bench.conductor.arrive()
    levels = {client: data["users"] for name, data, client in master.sent if name == LEVEL}
    assert levels == {"left": 4, "right": 3}
    assert [client for name, _, client in master.sent if name == ARRIVAL] == ["left", "right", "left"]
    environment.events.test_stopping.fire(environment=environment)


def test_what_a_lost_worker_held_is_taken_over_by_the_others(attach, stage, environment, master) -> None:
    bench = attach(master, shaped=True)
    bench.begin_run()
    master.clients.all[0].state = STATE_MISSING
    bench.conductor.set_level(7)
    assert [(client, data) for name, data, client in master.sent if name == LEVEL] == [
        ("right", {"users": 7})
    ]
    environment.events.test_stopping.fire(environment=environment)


def test_a_row_that_a_watcher_cannot_take_ends_the_run_and_is_kept_with_those_after_it(
    attach, environment, stage, local, reconciliation
) -> None:
    bench = attach(local)
    bench.begin_run()

    class Blind(list[object]):
        def append(self, entry: object) -> None:
            raise KeyError("no such column")

    stage.watched = Blind()
    for number in (1, 2):
        stage.pools[0].sink("turns", {"session": "w0-000001", "number": number})
    assert [str(failure) for failure in stage.failures] == [
        "The run could not be watched any longer (KeyError: 'no such column')."
    ]
    environment.events.test_stopping.fire(environment=environment)
    assert reconciliation(bench)["rows_received"] == 3  # and the one that the pool brings at its end
