"""`rtbench history DIR`: the trend of nightly runs, and where it changed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtbench.core.errors import ExitCode

if TYPE_CHECKING:
    from rtbench.analysis.history import History


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "history",
        help="show the trend of nightly runs",
        description=(
            "Write a page with the trend of the runs in a folder and the nights on which it changed, and a CSV of the "
            "figures with an otava.yaml, for Apache Otava."
        ),
    )
    parser.add_argument(
        "folder", metavar="DIR", type=Path, help="the folder that the runs' directories are in"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the history goes (default: DIR/history)"
    )
    parser.set_defaults(handler=show)


def show(args: argparse.Namespace) -> int:
    """Write the history and print its changes. Raises UsageError where there is no run."""
    from rich.console import Console

    from rtbench.analysis.history import histories
    from rtbench.report.history import write_history
    from rtbench.results.run_listing import find_runs

    found = histories(_summary(run) for run in find_runs(args.folder))
    page = write_history(args.out or args.folder / "history", found)
    console = Console()
    for history in found:
        console.print(_told(history), highlight=False)
    console.print()
    console.print(str(page), soft_wrap=True, highlight=False)
    return ExitCode.PASS


def _told(history: History) -> str:
    from rich.markup import escape

    from rtbench.report.history import change_sentences

    count = len(history.nights)
    lines = [f"[bold]{escape(history.name)}[/]: {count} run{'' if count == 1 else 's'}"]
    if history.unlike:
        lines.append(f"  {escape(history.unlike)}")
    if history.left_out:
        lines.append(f"  {len(history.left_out)} left out as INVALID")
    sentences = change_sentences(history) or ["no change is to be seen"]
    return "\n".join([*lines, *(f"  {escape(sentence)}" for sentence in sentences)])


def _summary(run: Path) -> dict[str, Any]:
    """A run's own summary; made anew where it has none of this version."""
    from rtbench.analysis.summary import summarise
    from rtbench.analysis.summary_json import SUMMARY_VERSION, summary_json
    from rtbench.report.build import load_run
    from rtbench.results.run_directory import RunDirectory

    path = RunDirectory(run).summary_json
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None
    if (
        isinstance(kept, dict)
        and kept.get("summary_version") == SUMMARY_VERSION
        and "likeness" in kept["run"]
    ):
        return kept
    return summary_json(summarise(load_run(run)))
