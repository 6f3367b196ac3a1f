"""`rtbench sweep`: run a scenario over a grid of settings, and show the operating points."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.core.errors import ExitCode

if TYPE_CHECKING:
    from rtbench.analysis.sweep import PointResult
    from rtbench.load.sweep import HeldPoint

PASSED_ON = ("target", "users", "spawn_rate", "duration", "workers", "transport", "codec")
"""Options with a value that each point's `rtbench run` is given as they are, and judges itself."""


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
    run.add_argument("--users", metavar="N", help="callers at the same time")
    run.add_argument("--spawn-rate", metavar="N", help="new callers per second")
    run.add_argument("--duration", metavar="TIME", help="how long, such as '30 s' or '5 min'")
    run.add_argument("--workers", metavar="N", help="processes that hold calls")
    run.add_argument("--transport", choices=["websocket", "webrtc"], help="how the calls are held")
    run.add_argument("--codec", choices=["opus", "pcmu", "pcma"], help="codec over WebRTC")
    run.add_argument("--no-budget", action="store_true", help="let a target spend without a limit")
    parser.set_defaults(handler=sweep)


def sweep(args: argparse.Namespace) -> int:
    """Run the grid and report on it; the worst exit code of the points. Raises UsageError before the first run."""
    from rich.console import Console

    from rtbench.analysis.sweep import worst_exit_code
    from rtbench.clock import local_time
    from rtbench.load.sweep import grid, hold_sweep, prepare, scenario_grid
    from rtbench.report.sweep import SweepReport, render_table, write_sweep
    from rtbench.results.run_directory import make_directory
    from rtbench.scenario.load import load_scenario

    points = prepare(args.scenario, grid(args.settings) if args.settings else scenario_grid(args.scenario))
    name = load_scenario(args.scenario).name
    directory = make_directory(args.out, f"{name}-sweep", local_time())
    results: list[PointResult] = []

    def note(held: HeldPoint) -> None:
        results.append(_measure(held, directory))
        print(_progress(results[-1], len(points)), file=sys.stderr, flush=True)

    held = hold_sweep(directory, points, _arguments(args), note)
    code = worst_exit_code([point.exit_code for point in held])
    if not any(point.run for point in held):
        shutil.rmtree(directory)  # what stopped the first run was said by itself
        return code
    report = SweepReport(name, str(args.scenario), len(points), results)
    page = write_sweep(directory, report)
    console = Console()
    console.print(render_table(report))
    console.print()
    console.print(report.sentence, highlight=False)
    console.print()
    console.print(str(page), soft_wrap=True, highlight=False)
    if code == ExitCode.INTERRUPTED:
        print(
            "rtbench: the sweep was interrupted; its report covers the points that were run", file=sys.stderr
        )
    return code


def _arguments(args: argparse.Namespace) -> list[str]:
    """The options of each point's run."""
    given = [(name, getattr(args, name)) for name in PASSED_ON if getattr(args, name) is not None]
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given]
    return [*arguments, "--no-budget"] if args.no_budget else arguments


def _measure(held: HeldPoint, directory: Path) -> PointResult:
    from rtbench.analysis.sweep import measure_point
    from rtbench.report.build import load_run

    if held.run is None:
        return measure_point(held.point, "", held.exit_code, None)
    relative = held.run.relative_to(directory).as_posix()
    return measure_point(held.point, relative, held.exit_code, load_run(held.run))


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
