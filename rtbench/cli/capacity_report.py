"""What a capacity search came to: printed, written, added to the job's page, and its exit code found."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.core.errors import ExitCode

if TYPE_CHECKING:
    from rtbench.analysis.capacity import CapacityResult
    from rtbench.analysis.capacity_search import Found
    from rtbench.analysis.capacity_step import StepResult
    from rtbench.analysis.planning import Traffic
    from rtbench.load.capacity import CapacitySearch
    from rtbench.load.capacity_plan import CapacityPlan
    from rtbench.load.run import RunEnd


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """A search that is over, in whichever way."""

    target: str
    directory: Path
    """Its own, in which that of its run is."""

    plan: CapacityPlan
    search: CapacitySearch
    run: RunEnd


def report_search(end: SearchEnd, traffic: Traffic | None) -> ExitCode:
    """Make the report of a search, and of the run that it was, and print it; the exit code that it comes to.

    `traffic`: what is to be planned for with what was found. Raises UsageError where no report can be written.
    """
    from rich.console import Console

    from rtbench.analysis.planning import plan_sessions
    from rtbench.report.build import make_report
    from rtbench.report.capacity import render_markdown, render_table, write_capacity
    from rtbench.report.step_summary import append_step_summary

    if end.run.directory is not None:
        make_report(end.run.directory)
    if end.run.failure is not None:
        print(f"rtbench: {end.run.failure}", file=sys.stderr)
    found = _found(end)
    if isinstance(found, ExitCode):
        return found
    result = _result(end, found)
    plan = plan_sessions(traffic, result) if traffic is not None else None
    page = write_capacity(end.directory, result, plan, end.run.directory)
    append_step_summary(render_markdown(result, plan), os.environ)
    console = Console()
    console.print(render_table(result))
    console.print()
    for sentence in filter(None, (result.sentence, plan.sentence if plan else "")):
        console.print(sentence, highlight=False)
    console.print()
    console.print(str(page), soft_wrap=True, highlight=False)
    return result.exit_code


def step_line(step: StepResult) -> str:
    """One line about a step that is over."""
    from rtbench.report import notation

    slos = ", ".join(f"{slo.threshold.metric} {notation.actual(slo)}" for slo in step.slos)
    told = f"{step.phase:8} {step.level:8g}  {step.judgement.value:10} {step.turns:6,} turns  {slos}"
    if step.verdict.findings and step.judgement.value == "generator":
        return f"{told}  {step.verdict.findings[0].message}"
    return told


def _found(end: SearchEnd) -> Found | ExitCode:
    """What the search came to, or the exit code where it came to nothing."""
    from rtbench.analysis.capacity import held_so_far
    from rtbench.analysis.capacity_search import Found

    search, failure = end.search, end.run.failure
    if failure is not None and failure.exit_code is not ExitCode.BUDGET:
        return failure.exit_code
    if (
        search.found is not None
    ):  # a budget that was reached meanwhile was so by the last calls of a search that was over
        return search.found
    if failure is not None:
        return Found("budget", held_so_far(search.steps)) if search.steps else failure.exit_code
    print("rtbench: interrupted before the search was over", file=sys.stderr)
    return ExitCode.INTERRUPTED


def _result(end: SearchEnd, found: Found) -> CapacityResult:
    from rtbench.analysis.capacity import CapacityResult, reference_waits
    from rtbench.report.build import load_run

    plan, steps = end.plan, tuple(end.search.steps)
    reference = plan.reference.run if plan.reference is not None else None
    return CapacityResult(
        scenario=plan.scenario,
        target=end.target,
        transport=plan.transport,
        open_load=plan.open_load,
        slos=plan.slos,
        found=found,
        steps=steps,
        reference=reference_waits(load_run(reference).turns, steps) if reference else (),
        cap=plan.most_users if plan.open_load else None,
    )
