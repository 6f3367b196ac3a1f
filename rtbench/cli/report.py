"""`rtbench report RUN`: make the report of a finished run again from its files."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from rtbench.core.errors import ExitCode


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "report",
        help="make the report of a run again from its files",
        description="Write summary.json, summary.md, report.html, figures/ and worst/ into the directory of a run.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the directory that the run left behind")
    parser.add_argument("--open", action="store_true", help="show the page in a browser")
    parser.set_defaults(handler=make)


def make(args: argparse.Namespace) -> int:
    """Make the report and print its summary. Raises UsageError where RUN is no run."""
    from rich.console import Console

    from rtbench.report.build import make_report
    from rtbench.report.terminal import print_summary
    from rtbench.results.run_directory import RunDirectory

    summary = make_report(args.run)
    page = RunDirectory(args.run).report_html
    print_summary(Console(), summary, page)
    if args.open:
        webbrowser.open(page.resolve().as_uri())
    return ExitCode.PASS
