"""The emulator of a run, its process replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtbench.core.errors import TargetUnreachable, UsageError
from rtbench.load import embedded_emulator
from rtbench.load.embedded_emulator import EmbeddedEmulator


class FakeProcess:
    url = "http://127.0.0.1:40123/v1"
    pid = 4711

    def __init__(self, **asked: Any) -> None:
        self.asked = asked
        self.status: int | None = None
        self.stops = 0

    def poll(self) -> int | None:
        return self.status

    def stop(self) -> None:
        self.stops += 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeProcess]:
    """The processes that were started."""
    started: list[FakeProcess] = []

    def start(**asked: Any) -> FakeProcess:
        started.append(FakeProcess(**asked))
        return started[-1]

    monkeypatch.setattr(embedded_emulator, "EmulatorProcess", start)
    return started


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "emulator.jsonl"


@pytest.fixture
def emulator(started, log: Path) -> EmbeddedEmulator:
    return EmbeddedEmulator({"seed": 9}, Path("corpora/english"), log, ("opus",))


def test_it_is_started_with_the_scenarios_settings_and_logs_into_the_run(emulator, started, log) -> None:
    (process,) = started
    assert process.asked == {
        "profile": {"seed": 9},
        "corpus": Path("corpora/english"),
        "log": log,
        "codecs": ("opus",),
    }
    assert (emulator.url, emulator.pid) == ("http://127.0.0.1:40123/v1", 4711)


def test_it_is_alive_until_its_process_is_not(emulator) -> None:
    assert emulator.death() is None


@pytest.mark.parametrize(
    ("status", "how"), [(-9, "killed by signal 9"), (3, "exit status 3"), (0, "exit status 0")]
)
def test_its_death_tells_how(emulator, started, status, how) -> None:
    started[0].status = status
    death = emulator.death()
    assert isinstance(death, TargetUnreachable)
    assert str(death) == f"The embedded emulator went away in mid-run ({how})."


def test_it_is_stopped_with_the_run(emulator, started) -> None:
    assert started[0].stops == 0
    emulator.stop()
    assert started[0].stops == 1


def test_settings_that_it_refuses_are_told_in_its_own_words(monkeypatch) -> None:
    def refuse(**asked: Any) -> FakeProcess:
        raise UsageError("emulator.chunk: must be 10 ms to 1 s")

    monkeypatch.setattr(embedded_emulator, "EmulatorProcess", refuse)
    with pytest.raises(UsageError, match=r"^emulator\.chunk"):
        EmbeddedEmulator({"chunk": "7 ms"}, Path("corpora/english"), Path("log"))


def test_its_load_is_that_of_its_busiest_process_in_95_of_100_seconds(emulator, monkeypatch) -> None:
    """The first look only begins the count; a peak in one second of twenty-one is left out."""
    shares = iter([0.0, *[30.0] * 20, 250.0])

    class Process:
        def __init__(self, pid: int = 4711) -> None:
            self.pid = pid

        def children(self, recursive: bool) -> list[Process]:
            return [Process(4712)]

        def cpu_percent(self) -> float:
            return next(shares) if self.pid == 4712 else 5.0

    monkeypatch.setattr(embedded_emulator.psutil, "Process", Process)
    assert emulator.note_load() is None
    row = emulator.note_load()
    assert (row["cpu_share"], row["loop_lag_max_ms"]) == (0.3, None)
    for _ in range(20):
        emulator.note_load()
    assert emulator.load.cpu_share == 0.3


def test_the_load_of_an_emulator_that_is_gone_is_not_asked_for(emulator, monkeypatch) -> None:
    def gone(pid: int) -> None:
        raise embedded_emulator.psutil.NoSuchProcess(pid)

    monkeypatch.setattr(embedded_emulator.psutil, "Process", gone)
    assert emulator.note_load() is None
    assert emulator.load.cpu_share is None


def test_what_it_says_of_its_own_loop_is_read_line_by_line_as_it_is_written(
    emulator, log, monkeypatch
) -> None:
    def gone(pid: int) -> None:
        raise embedded_emulator.psutil.NoSuchProcess(pid)

    monkeypatch.setattr(embedded_emulator.psutil, "Process", gone)
    with log.with_name("emulator_health.jsonl").open("a") as told:
        told.write('{"loop_lag_max_ms": 2.5}\n{"loop_lag_max_ms": 31.0}\n{"loop_lag_m')
        told.flush()
        row = emulator.note_load()
        assert (row["cpu_share"], row["loop_lag_max_ms"]) == (None, 31.0)
        assert emulator.note_load() is None
        told.write('ax_ms": 7.0}\n')
        told.flush()
        assert emulator.note_load()["loop_lag_max_ms"] == 7.0
    assert emulator.load.loop_lag_ms == 31.0
