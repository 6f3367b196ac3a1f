"""Workers, their processes and their master replaced."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from locust.env import Environment

from rtbench.core.errors import RunInvalid, TargetUnreachable, UsageError
from rtbench.load import worker
from rtbench.load.bench import Bench
from rtbench.load.worker import LocalWorkers, WorkerOptions, work

MASTER = ("127.0.0.1", 40123)


class FakeRunner:
    """A worker's runner whose master says quit at once."""

    def __init__(self) -> None:
        self.joined = 0
        self.greenlet = self

    def join(self) -> None:
        self.joined += 1


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Environment, tuple[str, int], FakeRunner]]:
    """The environments that joined a master, where, and their runners."""
    joined: list[tuple[Environment, tuple[str, int], FakeRunner]] = []

    def create(environment: Environment, host: str, port: int) -> FakeRunner:
        runner = FakeRunner()
        joined.append((environment, (host, port), runner))
        return runner

    monkeypatch.setattr(Environment, "create_worker_runner", create)
    return joined


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> list[Environment]:
    attached: list[Environment] = []
    monkeypatch.setattr(Bench, "attach", lambda environment, settings: attached.append(environment))
    return attached


@pytest.mark.parametrize("until_stopped", [False, True])
def test_a_worker_works_for_its_master_until_that_says_quit(
    joined, attached, scenario_file, until_stopped
) -> None:
    work(WorkerOptions(scenario_file, *MASTER, until_stopped=until_stopped))
    ((environment, master, runner),) = joined
    assert master == MASTER
    assert attached == [environment]
    assert runner.joined == 1
    (caller,) = environment.user_classes
    assert (caller.scenario, caller.until_stopped) == (scenario_file, until_stopped)


def test_a_scenarios_user_has_the_name_that_the_master_knows(joined, attached, scenario_file) -> None:
    work(WorkerOptions(scenario_file, *MASTER, user_class="SupportCaller"))
    assert list(joined[0][0].user_classes_by_name) == ["SupportCaller"]


def test_a_locustfiles_users_are_the_workers(joined, attached, tmp_path, scenario_file) -> None:
    locustfile = tmp_path / "file_of_users.py"
    locustfile.write_text(
        "from locust import HttpUser\nfrom rtbench import RealtimeUser\n\n\n"
        f"class Support(RealtimeUser):\n    scenario = {str(scenario_file)!r}\n\n\n"
        "class Shopper(HttpUser):\n    tasks = [print]\n"
    )
    work(WorkerOptions(locustfile, *MASTER))
    users = joined[0][0].user_classes_by_name
    assert set(users) == {"Support", "Shopper"}
    assert users["Support"].scenario == str(scenario_file)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "no such file"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        (
            "from locust import HttpUser\n\n\nclass A(HttpUser):\n    pass\n",
            "no user class is a RealtimeUser",
        ),
    ],
)
def test_a_locustfile_of_no_use_is_refused_before_a_master_is_sought(
    joined, attached, tmp_path, text, sentence
) -> None:
    locustfile = tmp_path / "file_of_no_use.py"
    if text is not None:
        locustfile.write_text(text)
    with pytest.raises(UsageError, match=rf"file_of_no_use\.py: {sentence}$"):
        work(WorkerOptions(locustfile, *MASTER))
    assert joined == []


def test_a_bad_scenario_is_refused_before_a_master_is_sought(joined, attached, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        work(WorkerOptions(tmp_path / "nowhere.yaml", *MASTER))
    assert joined == []


def test_a_master_of_no_known_name_is_bad_input(joined, attached, scenario_file, monkeypatch) -> None:
    def unknown(host: str, port: int) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(worker.socket, "getaddrinfo", unknown)
    with pytest.raises(UsageError, match=r"^--master: there is no host named 'nobody'$"):
        work(WorkerOptions(scenario_file, "nobody", 5557))
    assert joined == []


def test_a_master_that_does_not_come_is_out_of_reach(attached, scenario_file, monkeypatch) -> None:
    def refuse(environment: Environment, host: str, port: int) -> None:
        raise ConnectionError

    monkeypatch.setattr(Environment, "create_worker_runner", refuse)
    with pytest.raises(TargetUnreachable, match=r"^no master answers at 127\.0\.0\.1:40123$"):
        work(WorkerOptions(scenario_file, *MASTER))
    assert attached == []


class FakeProcess:
    """A worker's process, as deaf or as dead as told."""

    def __init__(self, command: list[str], options: dict[str, Any], status: int | None, deaf: bool) -> None:
        self.command, self.options = command, options
        self.stdin = io.BytesIO()
        self.killed = False
        self._status, self._deaf = status, deaf

    def poll(self) -> int | None:
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        assert self.stdin.closed
        if self._deaf and not self.killed:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.command, timeout)
        return 0

    def kill(self) -> None:
        self.killed = True


class FakeMachine:
    """Where processes are started, and a master that `ready` workers connect to."""

    def __init__(self) -> None:
        self.processes: list[FakeProcess] = []
        self.status: int | None = None
        self.deaf = False
        self.ready: list[str] = []
        self.address: tuple[str, int] = ("", 0)

    def start(self, command: list[str], **options: Any) -> FakeProcess:
        self.processes.append(FakeProcess(command, options, self.status, self.deaf))
        return self.processes[-1]

    def create_master_runner(self, host: str, port: int) -> SimpleNamespace:
        self.address = (host, port)
        return SimpleNamespace(clients=SimpleNamespace(ready=self.ready))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    machine = FakeMachine()
    monkeypatch.setattr(subprocess, "Popen", machine.start)
    return machine


def test_a_runs_own_workers_are_processes_told_where_the_master_is(machine) -> None:
    machine.ready = ["a", "b"]
    runner = LocalWorkers(Path("a.yaml"), 2, until_stopped=False).start(machine)
    assert runner.clients.ready == ["a", "b"]
    host, port = machine.address
    assert host == "127.0.0.1"
    expected = [sys.executable, "-m", "rtbench", "worker", "--master", host, "--port", str(port)]
    assert [each.command for each in machine.processes] == [[*expected, "--with-parent", "a.yaml"]] * 2


def test_they_call_again_until_stopped_where_the_run_has_a_duration(machine) -> None:
    machine.ready = ["a"]
    LocalWorkers(Path("a.yaml"), 1, until_stopped=True).start(machine)
    assert machine.processes[0].command[-1] == "--until-stopped"


def test_ctrl_c_does_not_reach_them_and_their_parents_death_does(machine) -> None:
    machine.ready = ["a"]
    LocalWorkers(Path("a.yaml"), 1, until_stopped=False).start(machine)
    assert machine.processes[0].options == {"stdin": subprocess.PIPE, "start_new_session": True}


def test_a_worker_that_dies_at_its_start_is_not_waited_for(machine) -> None:
    machine.status, machine.ready = 1, ["a"]
    with pytest.raises(RunInvalid, match=r"^Of 3 workers only 1 came up\.$"):
        LocalWorkers(Path("a.yaml"), 3, until_stopped=False).start(machine)
    assert len(machine.processes) == 3
    assert all(each.stdin.closed for each in machine.processes)


def test_workers_that_do_not_come_are_given_up(machine, monkeypatch) -> None:
    monkeypatch.setattr(worker, "CONNECT_TIMEOUT_S", 0.01)
    with pytest.raises(RunInvalid, match=r"^Of 1 workers only 0 came up\.$"):
        LocalWorkers(Path("a.yaml"), 1, until_stopped=False).start(machine)
    assert machine.processes[0].stdin.closed


@pytest.mark.parametrize("deaf", [False, True])
def test_all_end_with_the_run_by_force_where_they_must(machine, deaf) -> None:
    machine.deaf, machine.ready = deaf, ["a", "b"]
    workers = LocalWorkers(Path("a.yaml"), 2, until_stopped=False)
    workers.start(machine)
    workers.end()
    assert [each.stdin.closed for each in machine.processes] == [True, True]
    assert [each.killed for each in machine.processes] == [deaf, deaf]
