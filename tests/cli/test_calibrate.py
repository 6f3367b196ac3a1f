"""`rtbench calibrate` without its calls: levels, the file that is kept, and the exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtbench import __version__
from rtbench.analysis import calibration as measuring
from rtbench.analysis.calibration import CalibrationLevel
from rtbench.analysis.verdict import Level
from rtbench.cli import calibrate
from rtbench.core.errors import ExitCode, UsageError
from rtbench.load import calibration as holding
from rtbench.report import build


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_step) -> list[Any]:
    """What was to be held; every level comes to VALID up to 50 sessions."""
    orders: list[Any] = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def hold(order: Any, folder: Path, console: Any, note: Callable[..., None]) -> Path:
        orders.append((order, folder))
        for level in order.levels:
            note(make_step(level, 500.0))
        return folder

    def levels(run: Any, steps: list[Any]) -> tuple[CalibrationLevel, ...]:
        return tuple(
            CalibrationLevel(
                int(step.level), Level.VALID if step.level <= 50 else Level.SUSPECT, 9, {}, 0.1, 1.0, 0.2, 1.0
            )
            for step in steps
        )

    monkeypatch.setattr(holding, "hold_calibration", hold)
    monkeypatch.setattr(build, "load_run", lambda directory: SimpleNamespace())
    monkeypatch.setattr(measuring, "calibrate_levels", levels)
    return orders


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    calibrate.register(parser.add_subparsers())
    args = parser.parse_args(["calibrate", *words])
    code: int = args.handler(args)
    return code


def test_it_keeps_a_file_for_every_transport_of_this_machine(orders, tmp_path, capsys) -> None:
    assert run("--transport", "websocket", "--transport", "webrtc", "--levels", "100,1,50") == ExitCode.PASS
    files = sorted((tmp_path / "state" / "rtbench" / "calibration").iterdir())
    assert [file.name.partition("-")[2] for file in files] == ["webrtc.json", "websocket.json"]
    kept = json.loads(files[1].read_text())
    assert [level["sessions"] for level in kept["levels"]] == [1, 50, 100]
    assert (kept["rtbench"], kept["workers"]) == (__version__, 1)
    output = capsys.readouterr()
    assert "VALID up to 50 sessions, not above" in " ".join(output.out.split())
    assert "webrtc 100 sessions: VALID" in output.err  # as far as the step itself can tell


def test_by_default_it_is_websocket_and_leaves_no_run_behind(orders) -> None:
    run("--levels", "1", "--hold", "5 s")
    ((order, folder),) = orders
    assert (order.transport, order.levels, order.hold_s, order.workers) == ("websocket", [1], 5.0, 1)
    assert not folder.exists()


def test_runs_are_kept_where_asked_for(orders, tmp_path) -> None:
    run("--levels", "1", "--keep", str(tmp_path / "kept"))
    assert (tmp_path / "kept" / "websocket").is_dir()


def test_a_machine_that_is_never_valid_is_told_by_the_exit_code(orders) -> None:
    assert run("--levels", "100") == ExitCode.INVALID


@pytest.mark.parametrize("words", [("--levels", "1,many"), ("--levels", "0"), ("--hold", "5")])
def test_bad_usage_is_told(orders, words) -> None:
    with pytest.raises(UsageError, match=rf"^{words[0]}"):
        run(*words)
    assert orders == []


@pytest.mark.parametrize(
    ("words", "levels", "hold_s"),
    [
        ((), [1, 10, 50, 100, 200, 400], 20.0),
        (("--quick",), [1, 10, 50], 8.0),
        (("--quick", "--hold", "4 s", "--levels", "1,5"), [1, 5], 4.0),
        (("--sessions", "120"), [1, 10, 50, 100, 120], 20.0),
        (("--sessions", "1"), [1], 20.0),
        (("--quick", "--sessions", "20"), [1, 10, 20], 8.0),
    ],
)
def test_it_is_as_long_and_as_large_as_asked_for(orders, words, levels: list[int], hold_s: float) -> None:
    run(*words)
    ((order, _),) = orders
    assert (list(order.levels), order.hold_s) == (levels, hold_s)
