"""`rtbench doctor`: what is missing on this machine and for this target, before anything is spent."""

from __future__ import annotations

import argparse
from pathlib import Path

from rtbench.cli.argument import positive_int
from rtbench.core.errors import ExitCode

DEFAULT_USERS = 100
"""They fit into the 1,024 open files that systems commonly allow; who wants more says so."""

MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "missing": "[bold red]missing[/]"}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what is missing on this machine and for a target",
        description="Look at this machine, and whether a target is there and takes the key, before anything is spent.",
    )
    parser.add_argument(
        "--target", default="emulator", help="emulator (default), openai, azure, or a base URL"
    )
    parser.add_argument(
        "--model", default="gpt-realtime", help="model to ask the target for (default: %(default)s)"
    )
    parser.add_argument(
        "--users",
        type=positive_int,
        default=DEFAULT_USERS,
        metavar="N",
        help="callers at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="where runs are to go (default: reports)",
    )
    parser.set_defaults(handler=doctor)


def doctor(args: argparse.Namespace) -> int:
    """Print what was found; the exit code of the first thing that is missing, 0 where nothing is."""
    from rich.console import Console
    from rich.table import Table

    from rtbench.load.checkup import check_machine, check_target

    findings = [*check_machine(args.users, args.out), check_target(args.target, args.model)]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for finding in findings:
        table.add_row(MARKS[finding.level], finding.name, f"{finding.told}. {finding.advice}".strip())
    console = Console()
    console.print(table)
    missing = [finding for finding in findings if finding.level == "missing"]
    warnings = sum(finding.level == "warning" for finding in findings)
    console.print()
    if missing:
        console.print(f"{len(missing)} missing: {', '.join(finding.name for finding in missing)}.")
        return missing[0].exit_code
    console.print(
        "Nothing is missing." if not warnings else f"Nothing is missing; {warnings} to think about."
    )
    return ExitCode.PASS
