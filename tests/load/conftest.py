"""Locust without its monkey patching, which would reach every other test of the process; a scenario file; a bench.

Of the bench's environment engines, emulator and messages are replaced.

What is tested here takes its sockets, its sleeping and its waiting from gevent by name, so it works
unpatched. The variable is taken back at once: children that tests start have to patch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    import locust  # noqa: F401  # for what its import does, or here does not do

from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable
from rtbench.engine.messages import Configure
from rtbench.load import bench as bench_module
from rtbench.load import conductor, outpost
from rtbench.load.bench import Bench
from rtbench.load.messages import BEGIN, DRAIN, DRAINED, READY
from rtbench.load.realtime_user import caller_class
from rtbench.load.run_keeper import RunSettings

SCENARIO = """\
name: brief
conversation:
  - say: {role: question}
  - listen
seed: 11
users: 3
spawn_rate: 2
iterations: 2
between_calls: 100 ms
stop_timeout: 7 s
"""


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """Three callers, two conversations each, 0.1 s between them, 7 s to stop."""
    path = tmp_path / "brief.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


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
        self.calls_started = 0
        self.ends: list[tuple[float, bool]] = []

    def end(self, timeout_s: float, *, abort: bool) -> None:
        self.ends.append((timeout_s, abort))
        self.sink("turns", TURN)
        self.rows_sent += 1


class FakeEmulator:
    url = "http://127.0.0.1:40123/v1"

    def __init__(self, settings: Any, corpus: Path, log: Path, codecs: Sequence[str]) -> None:
        self.log, self.codecs = log, codecs
        self.gone: TargetUnreachable | None = None
        self.stopped = False
        self.looks = 0

    def note_load(self) -> None:
        self.looks += 1

    @property
    def cpu_share(self) -> float | None:
        return 0.5 if self.looks else None

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
        self.target_user_count = 3

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
        self.target_user_count = 3


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

    def emulator(self, settings: Any, corpus: Path, log: Path, codecs: Sequence[str]) -> FakeEmulator:
        self.emulators.append(FakeEmulator(settings, corpus, log, codecs))
        return self.emulators[-1]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    for place in (conductor, outpost):
        monkeypatch.setattr(place, "CallerPool", stage.pool)
    monkeypatch.setattr(conductor, "EmbeddedEmulator", stage.emulator)
    monkeypatch.setattr(bench_module.stats, "bucket_response_time", bench_module.stats.bucket_response_time)
    return stage


@pytest.fixture
def environment(scenario_file) -> Environment:
    return Environment(user_classes=[caller_class(scenario_file, until_stopped=False)])


@pytest.fixture
def attach(stage, environment, tmp_path) -> Callable[..., Bench]:
    """Give the environment this runner and its bench."""

    def attach(runner: Any, target: str = HOST, *, shaped: bool = False) -> Bench:
        environment.runner = runner
        runner.environment = environment
        settings = RunSettings(target, out=tmp_path / "reports", command=("rtbench", "run"))
        watch = lambda table, row: stage.watched.append((table, row))  # noqa: E731
        return Bench.attach(environment, settings, watch, stage.failures.append, shaped=shaped)

    return attach


@pytest.fixture
def local() -> FakeLocal:
    return FakeLocal()


@pytest.fixture
def master() -> FakeMaster:
    return FakeMaster()


@pytest.fixture
def worker_runner() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def reconciliation() -> Callable[[Bench], dict[str, Any]]:
    """What `run.json` says of a bench's run that has ended."""

    def read(bench: Bench) -> dict[str, Any]:
        assert bench.ended is not None
        found: dict[str, Any] = json.loads(bench.ended.directory.run_json.read_text())["reconciliation"]
        return found

    return read
