"""Every exit code by a real command line, one cause each (130 and kills: `test_kills`; bad input: `test_bad_input`).

What judges is given runs that were written by hand, so that no busy machine has a say in it; only what ends
a run before its time holds one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

pytestmark = pytest.mark.e2e

HOLDS, FAILS = "voice_to_voice_ms:p50<1000", "voice_to_voice_ms:p50<100"


@pytest.fixture(scope="module")
def commands(
    start: Callable[..., Any],
    scenario: Path,
    night: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """All of them at the same time: two hold calls, the others take a processor's time alone."""
    folder = tmp_path_factory.mktemp("judged")

    def written(name: str, **of: Any) -> Path:
        return night(name, folder=folder, turns=4, spread=0.05, **of)

    def reported(name: str, threshold: str, **of: Any) -> Any:
        return start(
            "rtbench", "report", written(name, sessions=12, **of), "--exit-code", "--threshold", threshold
        )

    def held(*options: str) -> Any:
        return start("rtbench", "run", scenario, "--duration", "10 min", *options)

    base = written("base", sessions=40)
    against = ("rtbench", "compare", base)
    started = {
        "budget": held("--budget-minutes", "0.05"),
        "early": held("--threshold", "voice_to_voice_ms:max<1", "--abort-on-fail", "1 s"),
        "no target": start("rtbench", "run", scenario, "--target", "http://127.0.0.1:9/v1"),
        "no such metric": start("rtbench", "run", scenario, "--threshold", "voice_to_vioce_ms:p95<1"),
        "slower": start(*against, written("slow", sessions=40, factor=1.6), "--gate", "voice_to_voice_ms:p50"),
        "too few": start(*against, written("few", sessions=12), "--gate", "voice_to_voice_ms:p99", "--strict"),
        "holds": reported("holds", HOLDS),
        "fails": reported("fails", FAILS),
        "lost rows": reported("lost", HOLDS, rows_lost=5),
    }  # fmt: skip
    return started | {"folder": folder}


def junit(run: Path) -> list[bool]:
    """Of every case in a run's `junit.xml`, whether it passed."""
    return [case.is_passed for suite in JUnitXml.fromfile(str(run / "junit.xml")) for case in suite]


def test_0_where_every_threshold_holds(commands: dict[str, Any]) -> None:
    ended = commands["holds"].ended()
    assert (ended.code, ended.errors) == (0, "")
    assert junit(commands["folder"] / "holds") == [True, True]  # it is not INVALID, and the threshold


def test_1_where_the_command_line_means_nothing(commands: dict[str, Any]) -> None:
    ended = commands["no such metric"].ended()
    assert ended.code == 1
    assert "did you mean 'voice_to_voice_ms'" in ended.errors
    assert not (commands["no such metric"].folder / "reports").exists()


def test_2_where_a_threshold_fails(commands: dict[str, Any]) -> None:
    ended = commands["fails"].ended()
    assert (ended.code, ended.errors) == (2, "")
    assert "FAIL" in ended.out
    assert junit(commands["folder"] / "fails") == [True, False]


def test_2_where_a_threshold_ends_a_run_unless_the_machine_was_too_busy_to_judge(
    commands: dict[str, Any],
) -> None:
    early = commands["early"]
    ended = early.ended()
    summary = json.loads((early.run / "summary.json").read_text())
    assert ended.code == (4 if summary["verdict"]["level"] == "INVALID" else 2), ended.errors
    assert "voice_to_voice_ms max < 1 does not hold" in ended.errors
    assert [(each["metric"], each["status"]) for each in summary["thresholds"]] == [
        ("voice_to_voice_ms", "failed")
    ]
    assert early.left_behind() == []


def test_3_where_a_run_is_slower_than_its_base(commands: dict[str, Any]) -> None:
    ended = commands["slower"].ended()
    assert (ended.code, ended.errors) == (3, "")
    assert "REGRESSED" in ended.out


def test_4_where_rows_were_lost_though_the_threshold_holds(commands: dict[str, Any]) -> None:
    ended = commands["lost rows"].ended()
    assert ended.code == 4
    assert "5 of 65 rows of turns and sessions were lost" in ended.out
    assert junit(commands["folder"] / "lost") == [False, True]


def test_5_where_there_is_no_target(commands: dict[str, Any]) -> None:
    ended = commands["no target"].ended()
    assert ended.code == 5
    assert "127.0.0.1:9" in ended.errors


def test_6_where_the_budget_is_spent_with_the_report_so_far(commands: dict[str, Any]) -> None:
    budget = commands["budget"]
    ended = budget.ended()
    assert ended.code == 6, ended.errors
    assert "call minutes, about" in ended.errors.splitlines()[0]
    assert "the budget of 0.05 call minutes is reached" in ended.errors
    assert (budget.run / "report.html").is_file()
    assert budget.left_behind() == []


def test_7_where_it_cannot_be_told_and_that_matters(commands: dict[str, Any]) -> None:
    ended = commands["too few"].ended()
    assert (ended.code, ended.errors) == (7, "")
    assert "INCONCLUSIVE" in ended.out
