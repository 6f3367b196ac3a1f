"""Every exit code by a real command line, one cause each (130 and kills: `test_kills`; bad input: `test_bad_input`)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def held(start: Callable[..., Any], scenario: Path) -> dict[str, Any]:
    """Three runs at the same time: one to its end, one that breaks its threshold early, and one on a short budget."""
    endless = ("--duration", "10 min")
    early = ("--threshold", "voice_to_voice_ms:max<1", "--abort-on-fail", "1 s")
    return {
        "whole": start("rtbench", "run", scenario, "--threshold", "turns:count>=1"),
        "early": start("rtbench", "run", scenario, *endless, *early),
        "budget": start("rtbench", "run", scenario, *endless, "--budget-minutes", "0.05"),
    }


@pytest.fixture(scope="module")
def judged(start: Callable[..., Any]) -> Callable[..., list[int]]:
    """The exit codes of commands that are held at the same time."""

    def run(*commands: tuple[str | Path, ...]) -> list[int]:
        return [running.ended().code for running in [start("rtbench", *command) for command in commands]]

    return run


def is_invalid(run: Path) -> bool:
    """Whether this machine was too busy for the run to be judged, which no test can rule out."""
    verdict = json.loads((run / "summary.json").read_text())["verdict"]["level"]
    return bool(verdict == "INVALID")


def test_0_a_run_that_passes(held: dict[str, Any]) -> None:
    ended = held["whole"].ended()
    run = held["whole"].run
    assert ended.code == (4 if is_invalid(run) else 0), ended.errors
    cases = {case.name for suite in JUnitXml.fromfile(str(run / "junit.xml")) for case in suite}
    assert cases == {"the run is not INVALID", "turns count >= 1"}
    assert "turns count >= 1" in ended.out


def test_2_a_threshold_ends_a_run_early(held: dict[str, Any]) -> None:
    ended = held["early"].ended()
    assert ended.code == (4 if is_invalid(held["early"].run) else 2), ended.errors
    assert "voice_to_voice_ms max < 1 does not hold" in ended.errors
    thresholds = json.loads((held["early"].run / "summary.json").read_text())["thresholds"]
    assert [(each["metric"], each["status"]) for each in thresholds] == [("voice_to_voice_ms", "failed")]
    assert held["early"].left_behind() == []


def test_6_a_run_is_stopped_at_its_budget_with_its_report(held: dict[str, Any]) -> None:
    ended = held["budget"].ended()
    assert ended.code == 6, ended.errors
    assert "the budget of 0.05 call minutes is reached" in ended.errors
    assert "call minutes, about" in ended.errors.splitlines()[0]
    assert (held["budget"].run / "report.html").is_file()
    assert held["budget"].left_behind() == []


def test_1_and_5_a_threshold_that_means_nothing_and_a_target_that_is_not_there(
    judged: Callable[..., list[int]], scenario: Path
) -> None:
    unknown = ("run", scenario, "--threshold", "voice_to_vioce_ms:p95<1")
    assert judged(unknown, ("run", scenario, "--target", "http://127.0.0.1:9/v1")) == [1, 5]


def test_4_a_run_that_lost_rows(
    held: dict[str, Any], judged: Callable[..., list[int]], tmp_path: Path
) -> None:
    """Its own count says that there was more: as if a part of the tables had gone missing."""
    held["whole"].ended()
    run = shutil.copytree(held["whole"].run, tmp_path / "lost")
    content = json.loads((run / "run.json").read_text())
    content["reconciliation"]["rows_sent"] += 5
    (run / "run.json").write_text(json.dumps(content))
    assert judged(("report", run, "--exit-code")) == [4]


def test_3_and_7_by_comparison(
    night: Callable[..., Path], judged: Callable[..., list[int]], tmp_path: Path
) -> None:
    base, slow, little = (
        night(name, folder=tmp_path, sessions=sessions, turns=4, factor=factor, spread=0.05)
        for name, sessions, factor in (("base", 40, 1.0), ("slow", 40, 1.6), ("little", 12, 1.0))
    )
    slower = ("compare", base, slow, "--gate", "voice_to_voice_ms:p50")
    too_few = ("compare", base, little, "--gate", "voice_to_voice_ms:p99", "--strict")
    assert judged(slower, too_few) == [3, 7]
