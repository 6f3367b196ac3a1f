"""The reference session's process, with another program in place of rtbench."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rtbench.load import reference as module
from rtbench.load.reference import ReferenceCall


class FakeProcess:
    def __init__(self, command: list[str], **options: Any) -> None:
        self.command = command
        self.told: list[Any] = []
        self.hangs = False
        self.options = options
        self.stdin = io.BytesIO()

    def send_signal(self, number: int) -> None:
        self.told.append(number)

    def wait(self, timeout: float | None = None) -> int:
        if self.hangs and timeout is not None:
            raise subprocess.TimeoutExpired("rtbench", timeout)
        self.told.append("gone")
        return 0

    def kill(self) -> None:
        self.told.append("killed")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeProcess]:
    started: list[FakeProcess] = []

    def start(command: list[str], **options: Any) -> FakeProcess:
        started.append(FakeProcess(command, **options))
        return started[-1]

    monkeypatch.setattr(module.subprocess, "Popen", start)
    return started


def test_it_is_one_caller_of_the_scenario_at_the_same_target(started, tmp_path: Path) -> None:
    call = ReferenceCall(Path("a.yaml"), tmp_path / "reference", ["--no-budget"])
    assert call.run is None
    call.start("http://127.0.0.1:9/v1")
    (process,) = started
    assert process.command[:5] == [sys.executable, "-m", "rtbench", "run", "a.yaml"]
    words = " ".join(process.command)
    for option in (
        "--users 1",
        f"--out {tmp_path / 'reference'}",
        "--no-budget",
        "--target http://127.0.0.1:9/v1",
    ):
        assert option in words


def test_it_is_asked_to_end_and_waited_for_once(started, tmp_path: Path) -> None:
    call = ReferenceCall(Path("a.yaml"), tmp_path, [])
    call.end()
    call.start("http://127.0.0.1:9/v1")
    call.end()
    call.end()
    assert started[0].told == [signal.SIGINT, "gone"]
    assert started[0].stdin.closed


def test_it_can_be_asked_to_end_before_it_is_waited_for_and_is_asked_once(started, tmp_path: Path) -> None:
    call = ReferenceCall(Path("a.yaml"), tmp_path, [])
    call.hang_up()
    call.start("http://127.0.0.1:9/v1")
    call.hang_up()
    assert started[0].told == [signal.SIGINT]
    call.hang_up()
    call.end()
    assert started[0].told == [signal.SIGINT, "gone"]


def test_one_that_does_not_end_is_killed(started, tmp_path: Path) -> None:
    call = ReferenceCall(Path("a.yaml"), tmp_path, [])
    call.start("http://127.0.0.1:9/v1")
    started[0].hangs = True
    call.end()
    assert started[0].told == [signal.SIGINT, "killed", "gone"]


def test_its_run_is_where_its_run_json_is(tmp_path: Path) -> None:
    folder = tmp_path / "20261126-quickstart"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    assert ReferenceCall(Path("a.yaml"), tmp_path, []).run == folder


def test_it_is_told_to_end_with_the_pipe_that_the_search_holds_open(started, tmp_path: Path) -> None:
    ReferenceCall(Path("a.yaml"), tmp_path, []).start("http://127.0.0.1:9/v1")
    assert "--with-parent" in started[0].command
    assert started[0].options["stdin"] == subprocess.PIPE
    assert not started[0].stdin.closed
