"""`rtbench report RUN`: make the report of a finished run again from its files."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from rtbench.cli.judgement import report_run
from rtbench.cli.mos import add_mos_option, score_if_asked
from rtbench.cli.run_judging import add_baseline_options, add_threshold_option, read_thresholds
from rtbench.core.errors import ExitCode


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "report",
        help="make the report of a run again from its files",
        description=(
            "Write summary.json, summary.md, junit.xml, report.html, figures/ and worst/ into the directory of a run."
        ),
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the directory that the run left behind")
    add_threshold_option(parser)
    add_baseline_options(parser)
    add_mos_option(parser)
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="end with the exit code that the run comes to, as `rtbench run` does",
    )
    parser.add_argument("--open", action="store_true", help="show the page in a browser")
    parser.set_defaults(handler=make)


def make(args: argparse.Namespace) -> int:
    """Make the report and print its summary. Raises UsageError where RUN is no run, or its baseline does not fit it."""
    from rtbench.results.run_directory import RunDirectory

    RunDirectory.open(args.run)
    thresholds = read_thresholds(args)
    if args.baseline is not None:
        _check_baseline(args)
    score_if_asked(args, args.run)
    code = report_run(args, args.run, thresholds)
    if args.open:
        webbrowser.open(RunDirectory(args.run).report_html.resolve().as_uri())
    return code if args.exit_code else ExitCode.PASS


def _check_baseline(args: argparse.Namespace) -> None:
    """Before anything is made. Raises UsageError."""
    from rtbench.report.baseline import check_baseline, check_fits
    from rtbench.results.reader import read_run

    check_baseline(args.baseline)
    run = read_run(args.run)
    check_fits(args.baseline, run.provenance, run.name, allow_invalid=args.allow_invalid)
