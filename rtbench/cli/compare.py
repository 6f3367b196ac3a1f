"""`rtbench compare`: whether runs became worse than others, with the uncertainty told."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.core.errors import UsageError

if TYPE_CHECKING:
    from rtbench.results.reader import Run


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "compare",
        help="compare runs statistically",
        description=(
            "Compare a run with another one, or several nights with several. The exit code is 3 where a figure got worse "
            "by more than its margin; 7 with --strict where that cannot be told."
        ),
        epilog="example: rtbench compare --base reports/monday reports/tuesday --run reports/tonight",
    )
    parser.add_argument(
        "runs", metavar="RUN", nargs="*", type=Path, help="the base, then the run to compare with it"
    )
    parser.add_argument(
        "--base",
        metavar="RUN",
        nargs="+",
        action="extend",
        type=Path,
        help="runs, or folders of runs, of the base",
    )
    parser.add_argument(
        "--run", metavar="RUN", nargs="+", action="extend", type=Path, help="those to compare with the base"
    )
    parser.add_argument(
        "--gate",
        metavar="METRIC:STATISTIC",
        action="append",
        help="what decides, such as 'voice_to_voice_ms{tool=true}:p95' or response_rate:rate; more than once for several",
    )
    parser.add_argument("--margin", type=_percentage, metavar="PERCENT", help="of a percentile (default: 5)")
    parser.add_argument(
        "--margin-ms", type=_not_negative, metavar="MS", help="or so much, if that is more (default: 25)"
    )
    parser.add_argument(
        "--margin-rate",
        type=_percentage,
        metavar="POINTS",
        help="of a rate, in percentage points (default: 2)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit code 7 where the comparison is inconclusive"
    )
    parser.add_argument("--allow-invalid", action="store_true", help="compare runs that are INVALID too")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="where the comparison's directory goes",
    )
    parser.set_defaults(handler=compare_runs)


def compare_runs(args: argparse.Namespace) -> int:
    """Compare, print and keep the comparison. Raises UsageError where the runs cannot be compared."""
    from rich.console import Console

    from rtbench.analysis.compare import compare
    from rtbench.analysis.compare_gate import DEFAULT_GATES, Margins, parse_gate
    from rtbench.clock import local_time
    from rtbench.report.compare import render_comparison, render_markdown, write_compare
    from rtbench.report.step_summary import append_step_summary
    from rtbench.results.run_directory import make_directory

    gates = tuple(map(parse_gate, args.gate)) if args.gate else DEFAULT_GATES
    default = Margins()
    margins = Margins(
        default.relative if args.margin is None else args.margin,
        default.absolute if args.margin_ms is None else args.margin_ms,
        default.rate if args.margin_rate is None else args.margin_rate,
    )
    base, runs = _sides(args)
    comparison = compare(_read(base), _read(runs), gates, margins, allow_invalid=args.allow_invalid)
    directory = make_directory(args.out, "compare", local_time())
    page = write_compare(directory, comparison)
    console = Console()
    console.print(render_comparison(comparison))
    console.print()
    console.print(str(page), soft_wrap=True, highlight=False)
    append_step_summary(f"# {render_markdown(comparison)}", os.environ)
    return comparison.exit_code(strict=args.strict)


def _sides(args: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    if args.base and args.run and not args.runs:
        return args.base, args.run
    if len(args.runs) == 2 and not args.base and not args.run:
        return args.runs[:1], args.runs[1:]
    raise UsageError("give two runs, the base first, or several of each: --base RUN... --run RUN...")


def _read(paths: Iterable[Path]) -> list[Run]:
    from rtbench.results.reader import read_run
    from rtbench.results.run_listing import find_runs

    return [read_run(run) for path in paths for run in find_runs(path)]


def _percentage(written: str) -> float:
    return _not_negative(written.removesuffix("%")) / 100


def _not_negative(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number, 0 or more, not '{written}'")
    return value
