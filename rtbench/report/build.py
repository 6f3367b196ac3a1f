"""The making of a report: from a run's files to everything that is read by people and programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rtbench.analysis.compare import Comparison
from rtbench.analysis.summary import Summary, summarise
from rtbench.analysis.summary_json import summary_json
from rtbench.analysis.truth import with_interruption_truth, with_truth
from rtbench.core.errors import UsageError
from rtbench.report.calibration import machine_error_bar
from rtbench.report.compare import render_markdown as render_comparison_markdown
from rtbench.report.compare import write_compare
from rtbench.report.figures import (
    FIGURES,
    NETWORK_FIGURES,
    RELIABILITY_FIGURES,
    TURN_TAKING_FIGURES,
    Plot,
)
from rtbench.report.figures.canvas import keep, style
from rtbench.report.html import Picture, render_page
from rtbench.report.junit import render_junit
from rtbench.report.markdown import render_markdown
from rtbench.report.worst import write_worst
from rtbench.results.reader import Run, read_run
from rtbench.scenario.threshold import Threshold


def make_report(
    run_dir: Path,
    comparison: Comparison | None = None,
    *,
    strict: bool = False,
    thresholds: Sequence[Threshold] = (),
) -> Summary:
    """Write `summary.json`, `summary.md`, `junit.xml`, `report.html`, `figures/*.png` and `worst/*` into a run's directory.

    With a comparison, also what `write_compare` writes; `strict` makes an inconclusive one a failure in
    `junit.xml`; `thresholds` are judged besides the run's own. A report can be made again at any time, and of a run that was killed. Raises UsageError
    where `run_dir` is no run or cannot be written to.
    """
    run = load_run(run_dir)
    summary = with_error_bar(summarise(run, thresholds), run)
    try:
        _write(run, summary, comparison, strict=strict)
    except OSError as error:
        raise UsageError(f"{run_dir}: the report cannot be written ({error.strerror or error}).") from error
    return summary


def with_error_bar(summary: Summary, run: Run) -> Summary:
    """With what a calibration of the run's machine says of its waits, where that machine's file is here."""
    error_bar = machine_error_bar(run.provenance, summary.health.sessions_max)
    return dataclasses.replace(summary, error_bar=error_bar)


def load_run(run_dir: Path) -> Run:
    """A run with its turns and stimuli joined to the emulator's log, as figures and summary expect it."""
    run = read_run(run_dir)
    return dataclasses.replace(
        run,
        turns=with_truth(run.turns, run.truth),
        stimuli=with_interruption_truth(run.stimuli, run.truth),
    )


def _write(run: Run, summary: Summary, comparison: Comparison | None, *, strict: bool) -> None:
    directory = run.directory
    compared = ""
    if comparison is not None:
        write_compare(directory.path, comparison)
        compared = f"## {render_comparison_markdown(comparison)}".rstrip()
    content = json.dumps(summary_json(summary, comparison), indent=2, ensure_ascii=False, allow_nan=False)
    directory.summary_json.write_text(content + "\n", encoding="utf-8")
    directory.summary_md.write_text(render_markdown(summary, compared), encoding="utf-8")
    directory.junit_xml.write_text(render_junit(summary, comparison, strict=strict), encoding="utf-8")
    page = render_page(
        run,
        summary,
        _write_figures(run, FIGURES),
        _write_figures(run, TURN_TAKING_FIGURES),
        write_worst(run, summary.worst, summary.worst_stimuli),
        comparison,
        _write_figures(run, NETWORK_FIGURES),
        _write_figures(run, RELIABILITY_FIGURES),
    )
    directory.report_html.write_text(page, encoding="utf-8")


def _write_figures(run: Run, plots: Mapping[str, Plot]) -> list[Picture]:
    folder = run.directory.figures
    folder.mkdir(exist_ok=True)
    pictures = []
    for name, plot in plots.items():
        path = folder / f"{name}.png"
        with style():
            figure = plot.draw(run)
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            pictures.append(Picture(name, plot.TITLE, plot.CAPTION, keep(figure, path)))
    return pictures
