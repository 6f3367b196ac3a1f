"""Locust without its monkey patching, which would reach every other test of the process; a scenario file; a bench.

Of the bench's environment engines, emulator and messages are replaced.

What is tested here takes its sockets, its sleeping and its waiting from gevent by name, so it works
unpatched. The variable is taken back at once: children that tests start have to patch.
"""

from __future__ import annotations

import json
from collections import Counter
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

from rtbench.clock import NS_PER_MS, NS_PER_S
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable
from rtbench.core.incidents import Incident
from rtbench.core.sessions import Session
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn
from rtbench.engine.messages import Configure
from rtbench.engine.rows import RowKeys, incident_row, session_row, stimulus_row, turn_row
from rtbench.load import bench as bench_module
from rtbench.load import conductor, outpost
from rtbench.load.bench import Bench
from rtbench.load.family import RunIdentity
from rtbench.load.live_verdict import LiveVerdict
from rtbench.load.messages import BEGIN, DRAIN, DRAINED, READY
from rtbench.load.realtime_user import caller_class
from rtbench.load.run_keeper import RunSettings
from rtbench.load.tally import Tally
from rtbench.scenario.budget import BudgetMeter

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
        self.engine_died = self.engine_fell_silent = False
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
        self.load = EmulatorLoad()

    def note_load(self) -> dict[str, float]:
        row = {"cpu_share": 0.5, "loop_lag_max_ms": 3.0}
        self.load.take(row)
        return row

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


KEYS = RowKeys("w0", "w0-000001", 0, 0, "brief", "websocket")


@pytest.fixture
def turn_of() -> Callable[..., dict[str, Any]]:
    """A row of a turn whose answer was heard after so many milliseconds; None where none was."""

    def make(
        wait_ms: float | None, *, late_max_ms: float = 0.0, cost_usd: float | None = None, **fields: Any
    ) -> dict[str, Any]:
        end_ns = 3 * NS_PER_S
        heard_ns = None if wait_ms is None else end_ns + round(wait_ms * NS_PER_MS)
        fields = {"outcome": "answered", "user_speech_end_ns": end_ns, "audible_ns": heard_ns, **fields}
        turn = Turn(number=1, clip="question", **fields)
        return turn_row(KEYS, "sess_1", turn, late_max_ms, cost_usd=cost_usd)

    return make


@pytest.fixture
def session_of() -> Callable[..., dict[str, Any]]:
    """A row of a session that ended so, and took so long to connect."""

    def make(outcome: Any, connect_ms: float | None = 10.0) -> dict[str, Any]:
        connected_ns = None if connect_ms is None else round(connect_ms * NS_PER_MS)
        session = Session(outcome=outcome, connected_ns=connected_ns, ended_ns=NS_PER_S)
        return session_row(KEYS, session, Counter())

    return make


@pytest.fixture
def stimulus_of() -> Callable[..., dict[str, Any]]:
    """A row of an interruption or a disturbance, and after how long the agent was silent."""

    def make(kind: str, stop_ms: float | None = None) -> dict[str, Any]:
        silent_ns = None if stop_ms is None else NS_PER_S + round(stop_ms * NS_PER_MS)
        stimulus = Stimulus(
            1, 1, kind, "stop", takes_turn=kind == "interrupt", response_id="resp_1", unheard_ms=3000.0,
            onset_ns=NS_PER_S, end_ns=2 * NS_PER_S, closed_ns=9 * NS_PER_S, silent_ns=silent_ns,
        )  # fmt: skip
        return stimulus_row(KEYS, "sess_1", stimulus, 0.0)

    return make


@pytest.fixture
def incident_of() -> Callable[..., dict[str, Any]]:
    """A row of a connection that was lost."""

    def make(outcome: Any, recovery_ms: float | None = None, lost_turns: int = 0) -> dict[str, Any]:
        heard_ns = None if recovery_ms is None else round(recovery_ms * NS_PER_MS)
        incident = Incident(1, outcome=outcome, audible_ns=heard_ns, lost_turns=lost_turns)
        return incident_row(KEYS, "sess_1", incident, 0)

    return make


@pytest.fixture
def second_of() -> Callable[..., dict[str, Any]]:
    """A row of an engine's second."""

    def make(worker: str, **columns: Any) -> dict[str, Any]:
        second = {
            "worker": worker, "interval_ms": 1000.0, "sessions": 0, "cpu_share": 0.0, "loop_lag_max_ms": 0.0,
            "gc_pause_max_ms": 0.0, "frames_sent": 0, "send_lateness_max_ms": 0.0, "send_lateness": "",
            "rows_written": 0, "rss_bytes": 0,
        }  # fmt: skip
        return second | columns

    return make


@pytest.fixture
def watched() -> Callable[..., Tally]:
    """A tally of nine callers, and with a verdict that sees the same rows, as in a run."""

    def make(meter: BudgetMeter | None = None) -> Tally:
        verdict = LiveVerdict()

        class Watched(Tally):
            def take(self, table: str, row: Any) -> None:
                verdict.take(table, row)
                super().take(table, row)

        return Watched(verdict, lambda: 9, meter)

    return make


@pytest.fixture
def tally(watched: Callable[..., Tally]) -> Tally:
    return watched()


@pytest.fixture
def identity() -> RunIdentity:
    return RunIdentity("20261101-020000-brief", "brief", "websocket", "emulator", "1.2.3")
