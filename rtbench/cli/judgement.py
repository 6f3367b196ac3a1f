"""What a finished run comes to: its report is made, printed and published, and its exit code found.

A comparison that cannot be made costs a run nothing but the comparison: the report is there before that is said.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rtbench.analysis.compare import Comparison
    from rtbench.scenario.threshold import Threshold


def report_run(
    args: argparse.Namespace,
    directory: Path,
    thresholds: tuple[Threshold, ...] = (),
    *,
    compare: bool = True,
    publish: bool = True,
) -> ExitCode:
    """Make a run's report, print it, and add it to the job's summary page; the exit code that it comes to.

    `thresholds` are judged besides the run's own; the baseline is left alone where `compare` is false, and the
    job's page where `publish` is. Raises UsageError where no report can be made, and, once it is made, where the run
    and the baseline cannot be compared.
    """
    from rich.console import Console

    from rtbench.report.build import make_report
    from rtbench.report.terminal import print_summary
    from rtbench.results.run_directory import RunDirectory

    comparison, refused = _compared(args, directory) if compare else (None, None)
    if comparison is None and not thresholds:
        summary = make_report(directory)
    else:
        summary = make_report(directory, comparison, strict=args.strict, thresholds=thresholds)
    page = RunDirectory(directory).report_html
    if comparison is None:
        print_summary(Console(), summary, page)
        code = summary.exit_code
    else:
        from rtbench.analysis.decision import decide

        print_summary(Console(), summary, page, comparison)
        code = decide(summary, comparison, strict=args.strict)
    if publish:
        _add_to_job(directory)
    if refused is not None:
        raise refused
    return code


def _compared(args: argparse.Namespace, directory: Path) -> tuple[Comparison | None, UsageError | None]:
    """The run in `directory` against the baseline, where one was asked for and the run is fit for it.

    With the error where the two cannot be compared: the comparison then says so, for the report.
    """
    if args.baseline is None:
        return None, None
    from rtbench.analysis.compare import verdict_of
    from rtbench.analysis.verdict import Level
    from rtbench.report.baseline import compare_with_baseline, without_baseline
    from rtbench.results.reader import read_run

    if not args.allow_invalid and verdict_of(read_run(directory)).level is Level.INVALID:
        return None, None  # exit code 4 says more than any comparison could
    try:
        return compare_with_baseline(directory, args.baseline, allow_invalid=args.allow_invalid), None
    except UsageError as error:
        return without_baseline(directory, str(error)), error


def _add_to_job(directory: Path) -> None:
    from rtbench.report.step_summary import append_step_summary
    from rtbench.results.run_directory import RunDirectory

    page = RunDirectory(directory).summary_md
    if page.is_file():
        append_step_summary(page.read_text(encoding="utf-8"), os.environ)
