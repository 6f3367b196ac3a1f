"""The report of a capacity search: sentence, table of steps and pictures, for terminal, Markdown and page."""

from __future__ import annotations

import json
import math
from pathlib import Path

from rich.table import Table

from rtbench.analysis.capacity import CapacityResult, ReferenceWait
from rtbench.analysis.capacity_json import capacity_json
from rtbench.analysis.capacity_search import Judgement
from rtbench.analysis.capacity_step import StepResult
from rtbench.analysis.planning import SessionPlan
from rtbench.core.errors import UsageError
from rtbench.report import notation
from rtbench.report.figures import capacity_goodput, capacity_parts, capacity_slos
from rtbench.report.figures.canvas import keep, style
from rtbench.report.html import Picture, render
from rtbench.report.markdown import table
from rtbench.scenario.threshold import Threshold

FIGURES = {
    "capacity_slos": capacity_slos,
    "capacity_parts": capacity_parts,
    "capacity_goodput": capacity_goodput,
}
"""By the name of their files, in the order of the page."""

NOTE = (
    "Every step was left to settle, then measured until its statistics could be told. Alive: sessions alive on average. "
    "Goodput: turns per second answered within the limits. Reference: median wait of one caller who did the same all "
    "the time, in a process of its own. A step at which the generator was late says nothing of the service."
)


def write_capacity(
    directory: Path, result: CapacityResult, plan: SessionPlan | None, run: Path | None
) -> Path:
    """Write `capacity.json`, `capacity.md`, `capacity.html` and the figures; the page's path.

    `run`: the directory of the load's own run, which the page leads to. Raises UsageError where the
    directory cannot be written to.
    """
    content = json.dumps(capacity_json(result, plan), indent=2, ensure_ascii=False, allow_nan=False)
    page = directory / "capacity.html"
    try:
        (directory / "capacity.json").write_text(content + "\n", encoding="utf-8")
        (directory / "capacity.md").write_text(render_markdown(result, plan), encoding="utf-8")
        page.write_text(_render_page(directory, result, plan, run), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{directory}: the report cannot be written ({error.strerror or error}).") from error
    return page


def render_table(result: CapacityResult) -> Table:
    """The table of steps for a terminal."""
    found = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for heading in _head(result):
        found.add_column(heading, justify="right", overflow="fold", no_wrap=heading in ("phase", "outcome"))
    styles = {Judgement.HOLDS: "", Judgement.BREAKS: "red", Judgement.GENERATOR: "yellow"}
    for step, row in zip(result.steps, _rows(result), strict=True):
        found.add_row(*row, style=styles.get(step.judgement, "dim"))
    return found


def render_markdown(result: CapacityResult, plan: SessionPlan | None) -> str:
    """The content of `capacity.md`."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in _rows(result)]
    blocks = [f"# Capacity of {result.target}: {result.scenario}", result.sentence]
    if plan is not None:
        blocks.append(plan.sentence)
    return "\n\n".join([*blocks, table(_head(result), rows), NOTE]) + "\n"


def _render_page(directory: Path, result: CapacityResult, plan: SessionPlan | None, run: Path | None) -> str:
    return render(
        "capacity.html.j2",
        result=result,
        plan=plan,
        head=_head(result),
        rows=list(zip(result.steps, _rows(result), strict=True)),
        note=NOTE,
        pictures=_pictures(directory, result),
        run=None if run is None else run.relative_to(directory).as_posix(),
    )


def _pictures(directory: Path, result: CapacityResult) -> list[Picture]:
    pictures = []
    for name, plot in FIGURES.items():
        with style():
            figure = plot.draw(result)
            if figure is not None:
                pictures.append(
                    Picture(name, plot.TITLE, plot.CAPTION, keep(figure, directory / f"{name}.png"))
                )
    return pictures


def _head(result: CapacityResult) -> list[str]:
    slos = [_slo(slo) for slo in result.slos]
    last = ["reference"] if result.reference else []
    load = "calls per s" if result.open_load else "callers"
    return [load, "phase", "outcome", "s", "alive", "turns", *slos, "good per s", "lost", "late p99", *last]


def _slo(slo: Threshold) -> str:
    name = slo.selector.removesuffix("_ms").replace("_", " ")
    return name if slo.statistic == "rate" else f"{name} {slo.statistic}"


def _rows(result: CapacityResult) -> list[list[str]]:
    waits: list[ReferenceWait | None] = list(result.reference) or [None] * len(result.steps)
    return [_row(step, wait) for step, wait in zip(result.steps, waits, strict=True)]


def _row(step: StepResult, reference: ReferenceWait | None) -> list[str]:
    lost = sum(step.errors.values())
    return [
        f"{step.level:g}",
        step.phase,
        step.judgement.value,
        f"{step.seconds:.0f}",
        notation.number(step.concurrency),
        f"{step.turns:,}",
        *(notation.actual(slo) for slo in step.slos),
        f"{step.goodput_per_s:.2f}",
        f"{lost:,}" if lost else notation.NONE,
        notation.number(step.health.send_lateness_p99_ms, "ms"),
        *([] if reference is None else [_wait(reference)]),
    ]


def _wait(reference: ReferenceWait) -> str:
    if reference.median_ms is None:
        return notation.NONE
    return "never" if math.isinf(reference.median_ms) else notation.number(reference.median_ms, "ms")
