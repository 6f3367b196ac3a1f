"""`rtbench export RUN`: a run's tables and events as files for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from rtbench.core.errors import ExitCode, UsageError


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "export",
        help="write a run's tables as CSV or Parquet, its events as JSON lines",
        description="Write tables of a run, also of one that was killed, as files for other programs.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the directory that the run left behind")
    parser.add_argument(
        "--format",
        choices=["csv", "parquet", "jsonl"],
        required=True,
        help="csv and parquet: a file per table; jsonl: every event of the run, one a line, in the order of time",
    )
    parser.add_argument(
        "--tables",
        metavar="NAME,...",
        help="of turns, sessions, stimuli, incidents, mishaps, generator and events (default: all but events; for jsonl events)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go (default: RUN/export)")
    parser.set_defaults(handler=export)


def export(args: argparse.Namespace) -> int:
    """Write the files, and print their paths. Raises UsageError where RUN is no run, or a table is not known."""
    from rtbench.results.export import EXPORT_FOLDER, export_run
    from rtbench.results.run_directory import RunDirectory

    directory = RunDirectory.open(args.run)
    tables = _tables(args.tables)
    for exported in export_run(directory, args.format, args.out or args.run / EXPORT_FOLDER, tables):
        print(f"{exported.path}: {exported.rows:,} rows")
    return ExitCode.PASS


def _tables(written: str | None) -> list[str]:
    from rtbench.results.export import TABLES

    if written is None:
        return []
    names = [name.strip() for name in written.split(",")]
    for name in names:
        if name not in TABLES:
            raise UsageError(f"--tables: there is no table '{name}'; there are {', '.join(TABLES)}")
    return list(dict.fromkeys(names))
