"""`rtbench worker` beside Locust's own master: one on the master's locustfile, one on its scenario."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

LOCUSTFILE = """
from rtbench import RealtimeUser


class SupportCaller(RealtimeUser):
    host = "{emulator}"
    scenario = "{scenario}"
    until_stopped = True
"""


@pytest.fixture
def locustfile(tmp_path: Path, scenario: Path, emulator_url: str) -> Path:
    path = tmp_path / "locustfile.py"
    path.write_text(LOCUSTFILE.format(emulator=emulator_url, scenario=scenario))
    return path


@pytest.fixture
def master(start: Callable[..., Any], locustfile: Path) -> Callable[[int], tuple[Any, str]]:
    """`master(workers)`: a master that waits for so many, and where it listens."""

    def begin(workers: int) -> tuple[Any, str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        listens = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port)
        load = ("--headless", "--only-summary", "-u", "2", "-r", "10", "--expect-workers", str(workers))
        return start("locust", "-f", locustfile, *listens, *load), f"127.0.0.1:{port}"

    return begin


def test_workers_on_locustfile_and_on_scenario_join_locusts_master(
    start: Callable[..., Any],
    master: Callable[[int], tuple[Any, str]],
    locustfile: Path,
    scenario: Path,
    rows: Callable[[Path], dict[str, int]],
) -> None:
    leading, address = master(2)
    workers = [
        start("rtbench", "worker", locustfile, "--master", address),
        start("rtbench", "worker", scenario, "--master", address, "--user-class", "SupportCaller"),
    ]
    leading.until_turns_are_written()
    leading.process.terminate()
    ended = leading.ended()

    assert ended.code == 0, ended.errors
    for worker in workers:
        assert worker.ended().code == 0, worker.errors
        assert "Traceback" not in worker.errors
        assert worker.left_behind() == []
    reconciliation = json.loads((leading.run / "run.json").read_text())["reconciliation"]
    assert reconciliation["workers_planned"] == reconciliation["workers_finished"] == 2
    assert reconciliation["rows_sent"] == reconciliation["rows_received"] == sum(rows(leading.run).values())


def test_a_worker_whose_user_has_another_name_ends_the_run_with_the_remedy(
    start: Callable[..., Any], master: Callable[[int], tuple[Any, str]], scenario: Path
) -> None:
    leading, address = master(1)
    worker = start("rtbench", "worker", scenario, "--master", address)
    ended = leading.ended()

    assert ended.code == 1, ended.errors
    told = "Worker w0 has no user class 'SupportCaller', only Caller; start it on the master's locustfile"
    assert sum(told in line for line in ended.errors.splitlines()) == 1
    worker.process.terminate()
    worker.process.wait(60)
    assert "KeyError" not in worker.errors
