"""A search that is over: what is printed, written and published, and the exit code."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtbench.analysis.capacity_search import Found, Judgement, SearchPlan
from rtbench.analysis.planning import Traffic
from rtbench.cli.capacity_report import SearchEnd, report_search, step_line
from rtbench.core.errors import BudgetReached, ExitCode, RunInvalid
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.load.run import RunEnd
from rtbench.report.step_summary import VARIABLE
from rtbench.scenario.threshold import parse_threshold

PLAN = CapacityPlan(
    (parse_threshold("voice_to_voice_ms:p95<800"),), SearchPlan(5, 50), "support", "websocket", 50
)


def over(folder: Path, found: Found | None, *steps: Any, failure: Any = None) -> SearchEnd:
    search: Any = SimpleNamespace(found=found, steps=list(steps))
    return SearchEnd(
        "emulator", folder, PLAN, search, RunEnd(None, failure is None and found is None, failure)
    )


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The job's page, on which there is something already."""
    page = tmp_path / "step_summary.md"
    page.write_text("# Before\n")
    monkeypatch.setenv(VARIABLE, str(page))
    return page


def test_sentence_plan_and_table_of_steps_are_on_the_jobs_page(tmp_path, page, make_step, capsys) -> None:
    found = Found("edge", 20.0, margin=1.0, edges=(20.0,), confirmed=True)
    end = over(tmp_path, found, make_step(20, 700.0), make_step(22, 900.0))
    assert report_search(end, Traffic(1200, 180.0)) is ExitCode.PASS
    written = page.read_text()
    assert written.startswith("# Before\n# Capacity of emulator: support\n")
    assert "20 ± 1 concurrent calls hold voice_to_voice_ms p95 < 800" in written
    assert "4 of it." in written
    assert [line.split(" | ")[2] for line in written.splitlines() if line.startswith("| 2")] == [
        "holds",
        "breaks",
    ]
    assert written.removeprefix("# Before\n").rstrip() == (tmp_path / "capacity.md").read_text().rstrip()
    assert "20 ± 1 concurrent calls" in capsys.readouterr().out


def test_a_search_that_found_nothing_is_on_the_jobs_page_as_well(tmp_path, page, make_step) -> None:
    end = over(tmp_path, Found("nothing_holds", None), make_step(1, 900.0))
    assert report_search(end, None) is ExitCode.THRESHOLD_FAILED
    assert "Not even 1 concurrent calls hold" in page.read_text()


def test_a_search_without_an_outcome_leaves_the_jobs_page_alone(tmp_path, page, make_step, capsys) -> None:
    step = make_step(20, 700.0)
    ends = (
        (over(tmp_path, None, step), ExitCode.INTERRUPTED),
        (over(tmp_path, None, step, failure=RunInvalid("an engine died")), ExitCode.INVALID),
        (over(tmp_path, None, failure=BudgetReached("the budget is reached")), ExitCode.BUDGET),
    )
    for end, code in ends:
        assert report_search(end, None) is code
    assert page.read_text() == "# Before\n"
    assert "an engine died" in capsys.readouterr().err


def test_a_budget_in_the_middle_of_a_search_leaves_what_held(tmp_path, page, make_step) -> None:
    end = over(tmp_path, None, make_step(20, 700.0), failure=BudgetReached("the budget is reached"))
    assert report_search(end, None) is ExitCode.BUDGET
    assert "Until then at least 20 concurrent calls hold" in page.read_text()


def test_a_step_is_told_in_one_line_with_the_reason_where_the_generator_was_late(make_step) -> None:
    held, late = make_step(20, 700.0), make_step(30, 900.0, judgement=Judgement.GENERATOR)
    assert step_line(held).split() == [
        "step",
        "up",
        "20",
        "holds",
        "120",
        "turns",
        "voice_to_voice_ms",
        "700",
    ]
    assert step_line(late).endswith("1% of frames left more than 9.0 ms late (limit 5 ms).")
