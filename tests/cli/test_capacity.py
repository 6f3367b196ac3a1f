"""`rtbench capacity` without its calls: options, what is printed and written, and the exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtbench.analysis.capacity_search import Found, Judgement
from rtbench.cli import capacity
from rtbench.core.errors import BudgetReached, ExitCode, RunInvalid, TargetUnreachable, UsageError
from rtbench.load import run as running
from rtbench.load.capacity import CapacitySearch
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.load.reference import ReferenceCall
from rtbench.load.run import LedLoad, RunEnd, RunOptions
from rtbench.report import build

SCENARIO = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
SLO = ("--slo", "voice_to_voice_ms:p95<800")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with these words, and with a directory of its own to write to."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def command(*words: str) -> int:
        parser = argparse.ArgumentParser()
        capacity.register(parser.add_subparsers())
        args = parser.parse_args(["capacity", "--out", str(tmp_path / "out"), *words])
        code: int = args.handler(args)
        return code

    return command


class Held:
    """In place of `run`: a search that found this, in these steps."""

    def __init__(self, found: Found | None, steps: list[Any]) -> None:
        self.found, self.steps = found, steps
        self.error: Exception | None = None
        self.failure: Any = None
        self.interrupted = False
        self.options: RunOptions | None = None
        self.led: LedLoad | None = None

    @property
    def plan(self) -> CapacityPlan:
        plan: CapacityPlan = self.search._plan
        return plan

    @property
    def search(self) -> CapacitySearch:
        assert self.led is not None
        search: CapacitySearch = self.led.course.__self__  # type: ignore[attr-defined]
        return search

    def __call__(self, options: RunOptions, console: Any, led: LedLoad) -> RunEnd:
        self.options, self.led = options, led
        if self.error is not None:
            raise self.error
        self.search.found, self.search.steps[:] = self.found, self.steps
        for step in self.steps:
            self.search._note(step)
        directory = options.out / "20261126-run"
        directory.mkdir()
        return RunEnd(directory, self.interrupted, self.failure)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, make_step) -> Held:
    found = Found("edge", 20.0, margin=1.0, edges=(20.0,), confirmed=True)
    held = Held(found, [make_step(20, 700.0), make_step(22, 900.0)])
    monkeypatch.setattr(running, "run", held)
    monkeypatch.setattr(build, "make_report", lambda directory: None)
    return held


def test_it_ends_with_the_sentence_and_the_page(command, held, tmp_path, capsys) -> None:
    assert command(str(SCENARIO), *SLO, "--from", "10", "--to", "50") == ExitCode.PASS
    output = capsys.readouterr()
    told = " ".join(output.out.split())
    assert "20 ± 1 concurrent calls hold voice_to_voice_ms p95 < 800; the first to break is" in told
    (directory,) = (tmp_path / "out").iterdir()
    assert told.endswith(str(directory / "capacity.html"))
    assert json.loads((directory / "capacity.json").read_text())["capacity"]["level"] == 20.0
    assert [line.split()[:4] for line in output.err.splitlines()] == [
        ["step", "up", "20", "holds"],
        ["step", "up", "22", "breaks"],
    ]


def test_what_is_asked_for_is_searched(command, held) -> None:
    words = ("--from", "10", "--to", "50", "--resolution", "10%", "--repeats", "2", "--samples", "1")
    command(str(SCENARIO), *SLO, *words, "--hold", "7 s", "--settle", "2 s", "--longest", "1 min")
    plan = held.plan
    assert (plan.search.first, plan.search.most, plan.search.resolution) == (10.0, 50.0, 0.1)
    assert (plan.search.repeats, plan.search.whole, plan.most_users) == (2, True, 50)
    times = plan.times
    assert (times.settle_s, times.hold_s, times.longest_s, times.samples) == (2.0, 7.0, 60.0, 1.0)
    assert [str(slo) for slo in plan.slos] == ["voice_to_voice_ms p95 < 800"]
    assert plan.reference is not None
    assert not plan.tolerant
    assert held.options is not None
    assert held.led is not None
    assert held.led.most_users == 50


def test_an_open_search_has_rates_and_a_cap(command, held) -> None:
    command(str(SCENARIO), *SLO, "--open", "--to", "3.5", "--cap", "80", "--no-reference", "--tolerant")
    plan = held.plan
    assert (plan.open_load, plan.most_users, plan.search.whole, plan.search.most) == (True, 80, False, 3.5)
    assert plan.reference is None
    assert plan.tolerant


def test_a_plan_alone_needs_no_calls(command, capsys) -> None:
    assert command("--plan", "calls_per_hour=1200,mean_call=180s") == ExitCode.PASS
    assert "60.0 erlangs and need 75 sessions" in capsys.readouterr().out


def test_a_plan_with_a_search_counts_what_was_measured(command, held, capsys) -> None:
    command(str(SCENARIO), *SLO, "--plan", "calls_per_hour=1200,mean_call=180s")
    assert "4 of it." in " ".join(capsys.readouterr().out.split())


def test_an_answer_that_did_not_last_fails_and_nothing_is_planned_with_it(command, held, capsys) -> None:
    held.found = Found("unconfirmed", None, edges=(20.0,), stopped_at=11.0)
    words = ("--plan", "calls_per_hour=1200,mean_call=180s")
    assert command(str(SCENARIO), *SLO, *words) == ExitCode.THRESHOLD_FAILED
    told = " ".join(capsys.readouterr().out.split())
    assert "No capacity: 20 concurrent calls held" in told
    assert "need 75 sessions: without headroom" in told
    assert "of the measured service" not in told


def test_the_cap_that_was_allowed_is_told_where_it_was_too_low(command, held, make_step, capsys) -> None:
    held.found = Found("cap", 0.6, stopped_at=0.9)
    held.steps = [make_step(0.6, 500.0), make_step(0.9, 500.0, judgement=Judgement.CAP)]
    assert command(str(SCENARIO), *SLO, "--open", "--cap", "80") == ExitCode.INCONCLUSIVE
    assert "all 80 calls that --cap allows at a time were under way" in " ".join(
        capsys.readouterr().out.split()
    )


def test_the_generators_limit_has_the_exit_code_of_an_invalid_run(command, held, make_step) -> None:
    held.found = Found("generator", 20.0, stopped_at=30.0)
    held.steps = [make_step(30, 900.0, judgement=Judgement.GENERATOR)]
    assert command(str(SCENARIO), *SLO) == ExitCode.INVALID


def test_a_run_that_failed_or_was_interrupted_has_no_capacity(command, held, capsys) -> None:
    held.failure = RunInvalid("an engine died")
    assert command(str(SCENARIO), *SLO) == ExitCode.INVALID
    held.failure, held.interrupted, held.found = None, True, None
    assert command(str(SCENARIO), *SLO) == ExitCode.INTERRUPTED
    told = capsys.readouterr().err
    assert "an engine died" in told
    assert "interrupted before the search was over" in told


def test_a_target_that_is_not_there_leaves_nothing_behind(command, held, tmp_path) -> None:
    held.error = TargetUnreachable("nobody there")
    with pytest.raises(TargetUnreachable):
        command(str(SCENARIO), *SLO)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--slo", "voice:p95<800"), r"^--slo 'voice:p95<800': unknown metric 'voice'"),
        ((*SLO, "--resolution", "80%"), r"^--resolution: must be a share"),
        ((*SLO, "--resolution", "fine"), r"^--resolution: must be a share"),
        ((*SLO, "--hold", "3"), r"^--hold: a duration needs its unit"),
        ((*SLO, "--from", "20", "--to", "10"), r"^--from: must not lie beyond --to: 20 is more than 10"),
        ((*SLO, "--from", "0.5", "--to", "10"), r"^--from: there is no 0.5 of a caller"),
        ((*SLO, "--target", "https://voice.example.com/v1"), r"may cost money"),
        ((*SLO, "--plan", "calls=3"), r"^--plan: unknown key 'calls'"),
        ((*SLO, "--arrivals", "constant"), r"^--arrivals: only a search of calls per second"),
        ((*SLO, "--arrivals", "poisson"), r"^--arrivals: only a search of calls per second"),
        ((*SLO, "--cap", "80"), r"^--cap: only a search of calls per second has it; add --open$"),
    ],
)
def test_bad_usage_is_told_before_anything_is_started(command, held, tmp_path, words, told) -> None:
    with pytest.raises(UsageError, match=told):
        command(str(SCENARIO), *words)
    assert held.led is None
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_without_a_scenario_there_is_nothing_to_search_with(command) -> None:
    with pytest.raises(UsageError, match="needs a scenario"):
        command()


REMOTE = ("--target", "https://voice.example.com/v1")


def test_a_search_may_spend_what_its_budget_says_with_its_reference_session(command, held, capsys) -> None:
    assert command(str(SCENARIO), *SLO, *REMOTE, "--to", "20", "--budget-minutes", "30") == ExitCode.PASS
    assert held.options is not None
    (meter,) = held.options.guards
    assert meter.stop(29 * 60) is None
    assert "the budget of 30 call minutes is reached" in str(meter.stop(30 * 60))  # by the reference alone
    told = capsys.readouterr().err.splitlines()[0]
    assert told.startswith("rtbench: ")
    assert " call minutes, about " in told


def test_a_budget_that_ends_the_search_leaves_what_was_found_until_then(
    command, held, tmp_path, capsys
) -> None:
    held.failure = BudgetReached("the budget of 1 USD is reached after 60 s: 1.0100 USD spent")
    held.found = None
    assert command(str(SCENARIO), *SLO, *REMOTE, "--budget-usd", "1") == ExitCode.BUDGET
    output = capsys.readouterr()
    assert "the budget of 1 USD is reached after 60 s" in output.err
    told = " ".join(output.out.split())
    assert (
        "No capacity: the budget was spent before the search was over. Until then at least 20 concurrent calls hold"
        in told
    )
    assert list(tmp_path.glob("out/*/capacity.html"))


def test_a_budget_that_is_reached_when_the_search_is_over_takes_nothing_from_it(
    command, held, capsys
) -> None:
    held.failure = BudgetReached("the budget of 1 USD is reached after 60 s: 1.0100 USD spent")
    assert command(str(SCENARIO), *SLO, *REMOTE, "--budget-usd", "1") == ExitCode.PASS
    output = capsys.readouterr()
    assert "20 ± 1 concurrent calls hold" in " ".join(output.out.split())
    assert "the budget of 1 USD is reached" in output.err


def test_ctrl_c_when_the_search_is_over_takes_nothing_from_it(command, held, capsys) -> None:
    held.interrupted = True
    assert command(str(SCENARIO), *SLO) == ExitCode.PASS
    assert "20 ± 1 concurrent calls hold" in " ".join(capsys.readouterr().out.split())


def test_the_reference_session_is_waited_for_once_the_others_calls_are_over(
    command, held, monkeypatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(ReferenceCall, "end", lambda self: order.append("reference"))
    hold = held.__call__

    def run(*args: Any) -> RunEnd:
        order.append("run")
        return hold(*args)

    monkeypatch.setattr(running, "run", run)
    command(str(SCENARIO), *SLO)
    assert order == ["run", "reference"]
    held.error = TargetUnreachable("nobody there")
    with pytest.raises(TargetUnreachable):
        command(str(SCENARIO), *SLO)
    assert order == ["run", "reference"] * 2


@pytest.mark.parametrize(
    "words",
    [
        *(("--to", "inf"), ("--to", "0"), ("--from", "nan"), ("--workers", "0"), ("--repeats", "-1")),
        *(("--repeats", "2.5"), ("--cap", "0"), ("--samples", "0"), ("--samples", "inf")),
    ],
)
def test_a_number_that_cannot_be_meant_is_no_argument(command, held, tmp_path, words, capsys) -> None:
    with pytest.raises(SystemExit):
        command(str(SCENARIO), *SLO, *words)
    assert f"argument {words[0]}: must be a" in capsys.readouterr().err
    assert held.led is None
    assert not (tmp_path / "out").exists()
