"""`rtbench sweep`: run a scenario over a grid of settings, and show the operating points."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.cli.argument import positive_int, positive_seconds
from rtbench.cli.budget import add_budget_options, read_meter, tell_estimate
from rtbench.core.errors import BudgetReached, ExitCode
from rtbench.scenario.amount import positive_amount

if TYPE_CHECKING:
    from rtbench.analysis.sweep import PointResult
    from rtbench.load.sweep import HeldPoint, PreparedPoint
    from rtbench.report.sweep import SweepReport
    from rtbench.results.reader import Run
    from rtbench.scenario.budget import BudgetMeter
    from rtbench.scenario.estimate import Estimate

PASSED_ON = ("target", "users", "spawn_rate", "duration", "workers", "transport", "codec")
"""Options with a value that each point's `rtbench run` is given as they are."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "sweep",
        help="run a scenario over a grid of settings",
        description="Run a scenario once for each combination of settings, and compare them: dead air against false "
        "cut-offs, or, where only transports and codecs differ, latency, bandwidth and cost.",
        epilog="example: rtbench sweep scenarios/vad_sweep.yaml --set session.turn_detection.silence_duration_ms=200,500,800",
    )
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="scenario file (YAML)")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=V1,V2,...",
        help="values of a key of the scenario by its dotted path; more than once for a grid of several keys; "
        "default: what the scenario carries under sweep",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="where the sweep's directory goes"
    )
    run = parser.add_argument_group("for each run, as for rtbench run")
    run.add_argument("--target", help="emulator (default), openai, azure, or a base URL")
    run.add_argument("--users", type=positive_int, metavar="N", help="callers at the same time")
    run.add_argument("--spawn-rate", type=positive_amount, metavar="N", help="new callers per second")
    run.add_argument("--duration", metavar="TIME", help="how long, such as '30 s' or '5 min'")
    run.add_argument("--workers", type=positive_int, metavar="N", help="processes that hold calls")
    run.add_argument("--transport", choices=["websocket", "webrtc"], help="how the calls are held")
    run.add_argument("--codec", choices=["opus", "pcmu", "pcma"], help="codec over WebRTC")
    add_budget_options(parser.add_argument_group("what all runs together may spend"))
    parser.set_defaults(handler=sweep)


def sweep(args: argparse.Namespace) -> int:
    """Run the grid and report on it; the worst exit code of the points. Raises UsageError before the first run."""
    from rtbench.analysis.sweep import worst_exit_code
    from rtbench.clock import NS_PER_S, local_time, monotonic_ns
    from rtbench.load.sweep import grid, hold_sweep, prepare, scenario_grid
    from rtbench.report.sweep import SweepReport
    from rtbench.results.run_directory import make_directory
    from rtbench.scenario.load import load_scenario

    meter = read_meter(args)
    points = prepare(args.scenario, grid(args.settings) if args.settings else scenario_grid(args.scenario))
    tell_estimate(args, _estimate(args, points, meter))
    name = load_scenario(args.scenario).name
    directory = make_directory(args.out, f"{name}-sweep", local_time())
    results: list[PointResult] = []
    started_ns = monotonic_ns()

    def reached() -> BudgetReached | None:
        return meter.stop((monotonic_ns() - started_ns) / NS_PER_S) if meter is not None else None

    def options() -> list[str] | None:
        return None if reached() else [*_arguments(args), *_limits(meter)]

    def note(held: HeldPoint) -> None:
        run = _read(held)
        if meter is not None and run is not None:
            _count(meter, run)
        results.append(_measure(held, run, directory))
        print(_progress(results[-1], len(points)), file=sys.stderr, flush=True)

    held = hold_sweep(directory, points, options, note)
    over = reached() if len(held) < len(points) else None
    code = worst_exit_code([*(point.exit_code for point in held), *([over.exit_code] if over else [])])
    if not any(point.run for point in held):
        shutil.rmtree(directory)  # what stopped the first run was said by itself
        return code
    _show(directory, SweepReport(name, str(args.scenario), len(points), results))
    if code == ExitCode.INTERRUPTED:
        why = "the sweep was interrupted"
    elif code == ExitCode.BUDGET:
        why = str(over or "the budget is reached")
    else:
        return code
    print(f"rtbench: {why}; its report covers the points that were run", file=sys.stderr)
    return code


def _show(directory: Path, report: SweepReport) -> None:
    """Write the report, print it, its page last, and add it to the job's summary page."""
    from rich.console import Console

    from rtbench.report.step_summary import append_step_summary
    from rtbench.report.sweep import render_markdown, write_sweep
    from rtbench.report.sweep_terminal import render_tables

    page = write_sweep(directory, report)
    console = Console()
    for table in render_tables(report, console.width):
        console.print(table)
        console.print()
    console.print(report.sentence, highlight=False)
    console.print()
    console.print(str(page), soft_wrap=True, highlight=False)
    append_step_summary(render_markdown(report), os.environ)


def _arguments(args: argparse.Namespace) -> list[str]:
    """The options of each point's run."""
    given = [(name, getattr(args, name)) for name in PASSED_ON if getattr(args, name) is not None]
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given]
    return [*arguments, "--no-budget"] if args.no_budget else arguments


def _limits(meter: BudgetMeter | None) -> list[str]:
    """What the next point may spend: what the ones before it have left."""
    if meter is None:
        return []
    left = meter.left
    limits = {"usd": left.usd, "minutes": left.minutes}
    return [f"--budget-{name}={limit:.9g}" for name, limit in limits.items() if limit is not None]


def _estimate(
    args: argparse.Namespace, points: Sequence[PreparedPoint], meter: BudgetMeter | None
) -> Estimate:
    """Of all points. Raises UsageError where money is limited and the model of one has no price."""
    from rtbench.scenario.estimate import estimate, total

    duration_s = positive_seconds("--duration", args.duration)
    for each in points:
        if meter is not None:
            meter.begin(each.scenario)
    parts = [estimate(each.scenario, args.users, duration_s) for each in points]
    return total(parts, f"{len(points)} run{'s' * (len(points) > 1)}")


def _read(held: HeldPoint) -> Run | None:
    from rtbench.report.build import load_run

    return None if held.run is None else load_run(held.run)


def _count(meter: BudgetMeter, run: Run) -> None:
    from rtbench.analysis.cost import spent

    meter.spend(*spent(run.turns, run.generator))


def _measure(held: HeldPoint, run: Run | None, directory: Path) -> PointResult:
    from rtbench.analysis.sweep import measure_point

    relative = held.run.relative_to(directory).as_posix() if held.run is not None else ""
    return measure_point(held.point, relative, held.exit_code, run)


def _progress(result: PointResult, planned: int) -> str:
    """One line about a point that is over."""
    from rtbench.report import notation
    from rtbench.report.delivery import is_about_delivery, percentile

    verdict = result.level.value if result.level else f"exit code {result.exit_code}"
    told = f"{result.point.number}/{planned}  {result.point.label}  {verdict}"
    if result.dead_air is None:
        return told
    if result.delivery is not None and is_about_delivery([result]):
        up, down = (
            notation.number(rate)
            for rate in (result.delivery.kbit_per_s_sent, result.delivery.kbit_per_s_received)
        )
        wait = percentile(result.voice_to_voice)
        return f"{told}  {result.turns:,} turns, voice to voice {wait} ms, {up} kbit/s up, {down} down"
    dead_air = notation.number(result.dead_air.p50.value, "ms")
    cutoffs = notation.rate(result.false_cutoffs)
    return f"{told}  {result.turns:,} turns, dead air {dead_air}, false cut-offs {cutoffs}"
