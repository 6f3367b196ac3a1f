"""The making of a report: from a run's files to everything that is read by people and programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from rtbench.analysis.summary import Summary, summarise
from rtbench.analysis.summary_json import summary_json
from rtbench.analysis.truth import with_interruption_truth, with_truth
from rtbench.core.errors import UsageError
from rtbench.report.figures import FIGURES, TURN_TAKING_FIGURES, Plot
from rtbench.report.figures.canvas import keep, style
from rtbench.report.html import Picture, render_page
from rtbench.report.markdown import render_markdown
from rtbench.report.worst import write_worst
from rtbench.results.reader import Run, read_run


def make_report(run_dir: Path) -> Summary:
    """Write `summary.json`, `summary.md`, `report.html`, `figures/*.png` and `worst/*` into a run's directory.

    It can be made again at any time, and of a run that was killed. Raises UsageError where `run_dir` is no
    run or cannot be written to.
    """
    run = load_run(run_dir)
    summary = summarise(run)
    try:
        _write(run, summary)
    except OSError as error:
        raise UsageError(f"{run_dir}: the report cannot be written ({error.strerror or error}).") from error
    return summary


def load_run(run_dir: Path) -> Run:
    """A run with its turns and stimuli joined to the emulator's log, as figures and summary expect it."""
    run = read_run(run_dir)
    return dataclasses.replace(
        run,
        turns=with_truth(run.turns, run.truth),
        stimuli=with_interruption_truth(run.stimuli, run.truth),
    )


def _write(run: Run, summary: Summary) -> None:
    directory = run.directory
    content = json.dumps(summary_json(summary), indent=2, ensure_ascii=False, allow_nan=False)
    directory.summary_json.write_text(content + "\n", encoding="utf-8")
    directory.summary_md.write_text(render_markdown(summary), encoding="utf-8")
    page = render_page(
        run,
        summary,
        _write_figures(run, FIGURES),
        _write_figures(run, TURN_TAKING_FIGURES),
        write_worst(run, summary.worst, summary.worst_stimuli),
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
