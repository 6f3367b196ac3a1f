"""A run from its start to its end, with the bench, the runner and the workers replaced."""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.env import Environment
from rich.console import Console

from rtbench import __version__
from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable, UsageError
from rtbench.load import course
from rtbench.load import run as module
from rtbench.load.family import RunIdentity
from rtbench.load.monitoring import Monitoring
from rtbench.load.run import LedLoad, RunEnd, RunOptions
from rtbench.load.tally import Tally
from rtbench.scenario.budget import Budget, BudgetMeter
from rtbench.scenario.live_threshold import LiveThresholds
from rtbench.scenario.shape import parse_shape

HOST = "http://127.0.0.1:9/v1"


class FakeRunner:
    """A runner that says what it was told, and by default has no users left once they were spawned."""

    def __init__(self, environment: Environment, steps: list[Any]) -> None:
        self.user_count = 0
        self.stays = False
        self.bench: FakeBench | None = None
        self._environment = environment
        self._steps = steps

    def start(self, users: int, spawn_rate: float) -> None:
        self._steps.append(("start", users, spawn_rate))
        self.user_count = users if self.stays else 0
        self._environment.events.spawning_complete.fire(user_count=users)

    def stop(self) -> None:
        self._steps += ["stop", "aborted" if self.bench is not None and self.bench.abort else "drained"]

    def quit(self) -> None:
        self._steps.append("quit")


class FakeBench:
    """A bench that says when it is asked for what, and fails as told."""

    def __init__(self, steps: list[Any]) -> None:
        self.failure: RtbenchError | None = None
        self.abort = False
        self.ended: Any = SimpleNamespace(directory=SimpleNamespace(path=Path("reports/r")))
        self.settings: Any = None
        self.shaped = False
        self.conductor = SimpleNamespace(
            level=0,
            set_level=lambda users: steps.append(("level", users)),
            arrive=lambda: steps.append("call"),
        )
        self.beginning: Callable[[], None] = lambda: None
        self._steps = steps

    def attach(
        self, environment: Environment, settings: Any, watch: Callable[..., None], *, shaped: bool
    ) -> FakeBench:
        self.settings, self.shaped, self.watch = settings, shaped, watch
        return self

    def abort_calls(self) -> None:
        self.abort = True

    def begin_run(self) -> None:
        self._steps.append("begin")
        self.beginning()


class Stage:
    """What a run meets, and what was done in which order."""

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.bench = FakeBench(self.steps)
        self.stays = False
        self.callers: list[Any] = []
        self.environment: Environment | None = None

    def local_runner(self, environment: Environment) -> FakeRunner:
        self.environment, self.callers = environment, environment.user_classes
        environment.runner = FakeRunner(environment, self.steps)
        environment.runner.stays = self.stays
        environment.runner.bench = self.bench
        return environment.runner

    def workers(self, scenario: Path, count: int, *, until_stopped: bool) -> SimpleNamespace:
        def start(environment: Environment) -> FakeRunner:
            self.steps.append(("workers", count, until_stopped))
            return self.local_runner(environment)

        return SimpleNamespace(start=start, end=lambda: self.steps.append("workers ended"))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(module, "Bench", stage.bench)
    monkeypatch.setattr(module, "LocalWorkers", stage.workers)

    def create(environment: Environment) -> FakeRunner:
        return stage.local_runner(environment)

    monkeypatch.setattr(Environment, "create_local_runner", create)
    monkeypatch.setattr(module, "LOOK_INTERVAL_S", 0.001)
    return stage


@pytest.fixture
def hold(stage, scenario_file) -> Callable[..., RunEnd]:
    def hold(**options: Any) -> RunEnd:
        asked = {"scenario": scenario_file, "target": HOST, "transport": "websocket", "out": Path("out")}
        console = Console(file=io.StringIO(), width=80)
        return module.run(RunOptions(**{**asked, "command": ("rtbench", "run"), **options}), console)

    return hold


@pytest.fixture
def handlers() -> Iterator[list[Any]]:
    """The handlers of the signals that stop a run, as they are before it; put back whatever happens."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield before
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_run_is_begun_held_drained_and_quit_in_this_order(hold, stage) -> None:
    end = hold()
    assert stage.steps == ["begin", ("start", 3, 2.0), "stop", "drained", "quit", "workers ended"]
    assert end == RunEnd(Path("reports/r"), interrupted=False, failure=None)


def test_options_go_before_the_scenario(hold, stage) -> None:
    hold(users=20, spawn_rate=5.0)
    assert ("start", 20, 5.0) in stage.steps


def test_the_bench_is_told_what_the_command_line_says(hold, stage) -> None:
    hold()
    settings = stage.bench.settings
    assert (settings.target, settings.transport, settings.out) == (HOST, "websocket", Path("out"))
    assert settings.command == ("rtbench", "run")


def test_callers_that_stay_are_ended_when_the_time_is_up_and_call_again_until_then(hold, stage) -> None:
    stage.stays = True
    end = hold(duration_s=0.01)
    assert [caller.until_stopped for caller in stage.callers] == [True]
    assert stage.steps[-4:] == ["stop", "drained", "quit", "workers ended"]
    assert not end.interrupted


def test_without_a_duration_callers_hold_as_many_conversations_as_the_scenario_says(hold, stage) -> None:
    hold()
    assert [caller.until_stopped for caller in stage.callers] == [False]


def test_several_workers_are_started_first_and_ended_last(hold, stage, monkeypatch) -> None:
    monkeypatch.setattr(module, "REPORT_PATIENCE_NS", 0)
    hold(workers=2, duration_s=60.0)
    assert stage.steps[0] == ("workers", 2, True)
    assert stage.steps[-1] == "workers ended"


def test_a_master_that_has_not_heard_of_its_workers_users_is_patient(hold, stage, monkeypatch) -> None:
    clock = iter(range(0, 10**12, 10**9))
    monkeypatch.setattr(module, "monotonic_ns", lambda: next(clock))
    hold(workers=2)
    assert next(clock) >= module.REPORT_PATIENCE_NS


def test_a_run_that_cannot_go_on_is_drained_and_tells_why(hold, stage) -> None:
    stage.stays = True
    failure = RunInvalid("The engine of worker w0 died in mid-run.")
    stage.bench.beginning = lambda: setattr(stage.bench, "failure", failure)
    end = hold()
    assert (end.failure, end.directory) == (failure, Path("reports/r"))
    assert stage.steps[-4:] == ["stop", "drained", "quit", "workers ended"]


def test_a_run_that_cannot_begin_leaves_no_worker_behind(hold, stage, handlers) -> None:
    def refuse() -> None:
        raise TargetUnreachable("nobody there")

    stage.bench.beginning = refuse
    with pytest.raises(TargetUnreachable):
        hold()
    assert stage.steps == ["begin", "workers ended"]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_run_that_left_no_directory_has_none(hold, stage) -> None:
    stage.bench.ended = None
    assert hold().directory is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_under_way_at_once_with_its_rows(hold, stage, handlers, number) -> None:
    stage.stays = True
    stage.bench.beginning = lambda: gevent.spawn_later(0.005, os.kill, os.getpid(), number)
    end = hold()
    assert end == RunEnd(Path("reports/r"), interrupted=True, failure=None)
    assert stage.steps[-4:] == ["stop", "aborted", "quit", "workers ended"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_call_gives_the_run_up(hold, stage, handlers, number) -> None:
    def begin() -> None:
        os.kill(os.getpid(), number)
        gevent.sleep(5)

    stage.bench.beginning = begin
    with pytest.raises(KeyboardInterrupt):
        hold()
    assert stage.steps == ["begin", "workers ended"]


def test_signals_mean_what_they_did_once_it_is_over(hold, handlers) -> None:
    hold()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_port_that_is_taken_is_refused_before_anything_is_started(hold, stage) -> None:
    with socket.socket() as holder:
        holder.bind((module.WEB_HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^--web: port {port} on 127\.0\.0\.1 is taken"):
            hold(web_port=port)
    assert stage.steps == []


def test_a_port_beyond_the_last_is_refused(hold, stage) -> None:
    with pytest.raises(UsageError, match=r"^--web: port 65536 "):
        hold(web_port=65_536)
    assert stage.steps == []


def test_locusts_page_is_on_loopback_sees_no_arguments_and_goes_with_the_run(
    hold, stage, monkeypatch
) -> None:
    pages: list[Any] = []

    def create(environment: Environment, host: str, port: int, *, delayed_start: bool) -> SimpleNamespace:
        pages.append((host, port, list(sys.argv)))
        return SimpleNamespace(
            start=lambda: stage.steps.append("page"), stop=lambda: stage.steps.append("page ended")
        )

    def add_tabs(page: Any, tables: Any) -> None:
        stage.steps.append("tabs")

    monkeypatch.setattr(Environment, "create_web_ui", create)
    monkeypatch.setattr(module, "add_tabs", add_tabs)
    monkeypatch.setattr(module, "_refuse_taken", lambda port: None)
    monkeypatch.setattr(sys, "argv", ["rtbench", "run", "a.yaml"])
    hold(web_port=8089)
    assert pages == [("127.0.0.1", 8089, ["rtbench"])]
    assert stage.steps[:2] == ["tabs", "page"]
    assert stage.steps[-2:] == ["page ended", "workers ended"]
    assert sys.argv == ["rtbench", "run", "a.yaml"]


def test_run_json_tells_the_load(hold, stage) -> None:
    hold(users=20)
    assert stage.bench.settings.load == {"users": 20, "spawn_rate": 2.0, "shape": None}
    assert not stage.bench.shaped


def test_a_shape_spawns_all_it_will_need_and_leads_them_to_its_end(hold, stage, monkeypatch) -> None:
    stage.stays = True
    monkeypatch.setattr(course, "LOOK_INTERVAL_S", 0.001)
    hold(shape=parse_shape("steps:start=1,users=3,by=1,every=100ms"))
    assert stage.bench.shaped
    assert stage.bench.settings.load["shape"]["steps"]["users"] == 3
    assert ("start", 3, 3.0) in stage.steps
    assert [step for step in stage.steps if step[0] == "level"] == [("level", 1), ("level", 2), ("level", 3)]
    assert [caller.until_stopped for caller in stage.callers] == [True]
    assert stage.steps[-4:] == ["stop", "drained", "quit", "workers ended"]


def test_the_scenarios_shape_counts_where_the_command_line_says_nothing_of_the_load(
    hold, stage, scenario_file
) -> None:
    written = scenario_file.read_text().replace("iterations: 2\n", "")
    shaped = scenario_file.with_name("shaped.yaml")
    shaped.write_text(written + "shape: {closed: {users: 7, lasts: 10 ms}}\n")
    stage.stays = True
    hold(scenario=shaped)
    assert ("level", 7) in stage.steps
    stage.steps.clear()
    hold(scenario=shaped, users=2, duration_s=0.01)
    assert ("start", 2, 2.0) in stage.steps
    assert not stage.bench.shaped


def test_a_load_that_is_led_from_elsewhere_sees_every_row_and_ends_with_its_course(
    stage, scenario_file
) -> None:
    stage.stays = True
    seen: list[Any] = []

    def course(lead: Any) -> None:
        lead.set_level(4)
        stage.bench.watch("turns", {"outcome": "not_asked"})

    led = LedLoad(course, 9, {"search": {}}, lambda table, row: seen.append(table))
    options = RunOptions(scenario_file, HOST, "websocket", Path("out"), ("rtbench", "capacity"))
    module.run(options, Console(file=io.StringIO()), led)
    assert seen == ["turns"]
    assert ("start", 9, 9.0) in stage.steps
    assert stage.bench.settings.load == {"users": 9, "spawn_rate": None, "shape": {"search": {}}}


def test_a_course_that_fails_ends_the_run_and_is_not_hidden(stage, scenario_file) -> None:
    stage.stays = True

    def course(lead: Any) -> None:
        raise UsageError("not so")

    options = RunOptions(scenario_file, HOST, "websocket", Path("out"), ("rtbench", "capacity"))
    with pytest.raises(UsageError, match="not so"):
        module.run(options, Console(file=io.StringIO()), LedLoad(course, 9, {}))


def test_a_run_that_is_watched_by_machine_is_shown_once_it_has_begun_and_its_last_word_is_told(
    stage, scenario_file, tmp_path, turn_of, monkeypatch
) -> None:
    class Watching:
        def __init__(self, monitoring: Monitoring) -> None:
            stage.steps.append(monitoring)

        def begin(self, tally: Tally, identity: RunIdentity) -> None:
            stage.steps.append(identity)
            stage.bench.watch("turns", turn_of(450))
            [turns] = (each for each in tally.families() if each.name == "turns")
            assert turns.numbers["answered",] == 1
            [budget] = (each for each in tally.families() if each.name == "budget")
            assert budget.numbers["left",] == 3.0

        def end(self) -> str:
            stage.steps.append("watched")
            return "pushes [failed]"

    monkeypatch.setattr(module, "Monitors", Watching)
    stage.bench.keeper = SimpleNamespace(directory=SimpleNamespace(path=tmp_path / "20261101-brief"))
    monitoring = Monitoring(otlp_url="http://127.0.0.1:4318/v1/metrics")
    options = RunOptions(
        scenario_file, "emulator", "webrtc", Path("out"), ("rtbench", "run"), monitoring=monitoring,
        guards=[LiveThresholds([], target="", transport=""), BudgetMeter(Budget(usd=3.0))],
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=20)
    module.run(options, console)
    identity = RunIdentity("20261101-brief", "brief", "webrtc", "emulator", __version__)
    assert stage.steps[:3] == [monitoring, "begin", identity]
    assert stage.steps[-3:] == ["quit", "workers ended", "watched"]
    assert console.file.getvalue() == "rtbench: pushes [failed]\n"


@pytest.mark.parametrize(
    ("shape", "states"),
    [
        ("closed:users=4,lasts=10ms", {"open", "wanted"}),
        ("open:rate=50,cap=9,arrivals=constant,lasts=50ms", {"open"}),
    ],
)
def test_callers_are_wanted_where_the_load_is_a_number_of_them(
    hold, stage, tmp_path, monkeypatch, shape, states
) -> None:
    found: set[str] = set()

    class Watching:
        def __init__(self, monitoring: Monitoring) -> None:
            """There is nothing to open."""

        def begin(self, tally: Tally, identity: RunIdentity) -> None:
            [sessions] = (each for each in tally.families() if each.name == "sessions")
            found.update(state for (state,) in sessions.numbers)

        def end(self) -> str:
            return ""

    monkeypatch.setattr(module, "Monitors", Watching)
    stage.stays = True
    stage.bench.keeper = SimpleNamespace(directory=SimpleNamespace(path=tmp_path / "20261101-brief"))
    hold(shape=parse_shape(shape), monitoring=Monitoring(otlp_url="http://127.0.0.1:4318/v1/metrics"))
    assert found == states


def test_a_run_that_could_not_begin_is_shown_to_nobody(hold, stage, monkeypatch) -> None:
    def refuse() -> None:
        raise TargetUnreachable("nobody there")

    stage.bench.beginning = refuse
    with socket.socket() as holder:  # does not listen, and keeps others off the port
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        for _ in range(2):  # the port is free again after it
            with pytest.raises(TargetUnreachable):
                hold(monitoring=Monitoring(holder.getsockname()))


def test_a_port_for_prometheus_that_is_taken_ends_the_run_before_anything_is_started(hold, stage) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(UsageError, match=r"--prometheus: .* is taken"):
            hold(monitoring=Monitoring(holder.getsockname()))
    assert stage.steps == []
