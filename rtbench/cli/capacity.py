"""`rtbench capacity`: search the highest load that holds the SLOs, or plan for calls by Erlang's formulas."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.cli.argument import positive_int, seconds
from rtbench.cli.budget import add_budget_options, read_meter, tell_estimate
from rtbench.core.errors import ExitCode, UsageError
from rtbench.scenario.amount import positive_amount

if TYPE_CHECKING:
    from rtbench.analysis.capacity_step import StepResult
    from rtbench.load.capacity import CapacityPlan, CapacitySearch
    from rtbench.load.reference import ReferenceCall
    from rtbench.load.run import RunEnd
    from rtbench.scenario.threshold import Threshold

DEFAULT_MOST = 1000
DEFAULT_MOST_RATE = 50.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "capacity",
        help="search the highest load that holds the SLOs",
        description="Search the highest number of concurrent calls, or with --open of calls per second, that holds "
        "the SLOs: steps up, then bisects, repeats, and holds the answer for longer.",
        epilog="example: rtbench capacity scenarios/quickstart.yaml --slo 'voice_to_voice_ms:p95<800' --to 100",
    )
    parser.add_argument("scenario", metavar="SCENARIO", nargs="?", type=Path, help="scenario file (YAML)")
    parser.add_argument(
        "--slo",
        action="append",
        default=[],
        metavar="METRIC:STATISTIC<LIMIT",
        help="what must hold, more than once for several (default: the scenario's thresholds)",
    )
    parser.add_argument(
        "--target", default="emulator", help="emulator (default), openai, azure, or a base URL"
    )
    parser.add_argument(
        "--transport",
        choices=["websocket", "webrtc"],
        default="",
        help="how the calls are held (default: as the scenario says)",
    )
    parser.add_argument(
        "--workers", type=positive_int, default=1, metavar="N", help="processes that hold calls (default: 1)"
    )
    parser.add_argument("--open", action="store_true", help="search calls per second instead of callers")
    parser.add_argument(
        "--arrivals",
        choices=["poisson", "constant"],
        default="poisson",
        help="with --open: calls independent of each other (default), or evenly apart",
    )
    parser.add_argument("--from", dest="first", type=positive_amount, metavar="N", help="first load tried")
    parser.add_argument("--to", dest="most", type=positive_amount, metavar="N", help="highest load tried")
    parser.add_argument(
        "--cap",
        type=positive_int,
        default=DEFAULT_MOST,
        metavar="N",
        help="with --open: most calls at a time",
    )
    parser.add_argument(
        "--resolution", default="5%", metavar="SHARE", help="how closely to look (default: 5%%)"
    )
    parser.add_argument(
        "--repeats",
        type=positive_int,
        default=3,
        metavar="N",
        help="how often to look for the edge (default: 3)",
    )
    parser.add_argument("--hold", default="20 s", metavar="TIME", help="a step is measured at least so long")
    parser.add_argument(
        "--settle", default="5 s", metavar="TIME", help="and reached and left to settle in so long each"
    )
    parser.add_argument(
        "--longest", default="3 min", metavar="TIME", help="a step is measured at most so long"
    )
    parser.add_argument(
        "--tolerant", action="store_true", help="let steps with a SUSPECT verdict count, with reservations"
    )
    parser.add_argument(
        "--samples",
        type=positive_amount,
        default=2.0,
        metavar="N",
        help="until N times the samples needed (default: 2)",
    )
    parser.add_argument("--no-reference", action="store_true", help="without the one caller beside the load")
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="where the search's directory goes"
    )
    add_budget_options(parser)
    parser.add_argument(
        "--plan",
        metavar="KEY=VALUE,...",
        help="sessions for a traffic, such as calls_per_hour=1200,mean_call=180s,blocking=1%%,regions=2,headroom=20%%; "
        "alone, or in the report",
    )
    parser.set_defaults(handler=capacity)


def capacity(args: argparse.Namespace) -> int:
    """Search and report, or plan only. Raises UsageError before anything is started."""
    from rtbench.analysis.planning import parse_traffic, plan_sessions

    traffic = parse_traffic(args.plan) if args.plan else None
    if args.scenario is None:
        if traffic is None:
            raise UsageError("capacity needs a scenario to search with, or --plan")
        print(plan_sessions(traffic).sentence)
        return ExitCode.PASS
    return _search(args)


def _search(args: argparse.Namespace) -> int:
    from rich.console import Console

    from rtbench.cli.run import check_scenarios
    from rtbench.clock import local_time
    from rtbench.load.capacity import CapacitySearch, estimate_search
    from rtbench.load.run import LedLoad, RunOptions, run
    from rtbench.results.run_directory import make_directory
    from rtbench.scenario.load import load_scenario

    check_scenarios([args.scenario], args.transport)
    meter = read_meter(args, unseen_callers=0 if args.no_reference else 1)
    scenario = load_scenario(args.scenario)
    plan = _plan(args)
    if meter is not None:
        meter.begin(scenario)
    tell_estimate(args, estimate_search(scenario, plan))
    directory = make_directory(args.out, f"{scenario.name}-capacity", local_time())
    if not args.no_reference:
        plan = replace(plan, reference=_reference(args, directory))
    console = Console(stderr=True)
    found = CapacitySearch(plan, lambda step: console.print(_progress(step), highlight=False))
    options = RunOptions(
        scenario=args.scenario,
        target=args.target,
        transport=args.transport,
        out=directory,
        command=("rtbench", *sys.argv[1:]),
        workers=args.workers,
        guards=() if meter is None else (meter,),
    )
    told = {"capacity": {"slos": list(map(str, plan.slos)), "open": plan.open_load}}
    try:
        end = run(options, console, LedLoad(found.drive, plan.most_users, told, found.watch, plan.open_load))
    finally:
        if plan.reference is not None:
            plan.reference.end()
        if not any(directory.iterdir()):
            shutil.rmtree(directory)  # nothing could be started
    return _report(args, directory, plan, found, end)


def _plan(args: argparse.Namespace) -> CapacityPlan:
    """What the command line asks for. Raises UsageError."""
    from rtbench.analysis.capacity_search import SearchPlan
    from rtbench.load.capacity import CapacityPlan, StepTimes
    from rtbench.scenario.load import load_scenario

    scenario = load_scenario(args.scenario)
    slos = _slos(args.slo) or scenario.thresholds
    if not slos:
        raise UsageError("capacity needs at least one --slo, or thresholds in the scenario")
    first = args.first or (0.2 if args.open else 5.0)
    most = args.most or (DEFAULT_MOST_RATE if args.open else float(DEFAULT_MOST))
    if first > most:
        raise UsageError(f"--from: must not lie beyond --to: {first:g} is more than {most:g}")
    if not args.open and first < 1:
        raise UsageError(
            f"--from: there is no {first:g} of a caller; calls per second are searched with --open"
        )
    return CapacityPlan(
        slos=tuple(slos),
        search=SearchPlan(
            first, most, resolution=_share(args.resolution), whole=not args.open, repeats=args.repeats
        ),
        scenario=scenario.name,
        transport=args.transport or scenario.transport,
        most_users=args.cap if args.open else round(most),
        open_load=args.open,
        arrivals=args.arrivals,
        times=StepTimes(
            reach_s=seconds("--settle", args.settle),
            settle_s=seconds("--settle", args.settle),
            hold_s=seconds("--hold", args.hold),
            longest_s=seconds("--longest", args.longest),
            samples=args.samples,
        ),
        seed=scenario.seed,
        tolerant=args.tolerant,
    )


def _reference(args: argparse.Namespace, directory: Path) -> ReferenceCall:
    from rtbench.load.reference import ReferenceCall

    # What it spends is counted with the rest, and it ends with the rest.
    arguments = ["--no-budget", *(["--transport", args.transport] if args.transport else [])]
    return ReferenceCall(args.scenario, directory / "reference", arguments)


def _report(
    args: argparse.Namespace, directory: Path, plan: CapacityPlan, search: CapacitySearch, end: RunEnd
) -> int:
    from rich.console import Console

    from rtbench.analysis.capacity import CapacityResult, held_so_far, reference_waits
    from rtbench.analysis.capacity_search import Found
    from rtbench.analysis.planning import parse_traffic, plan_sessions
    from rtbench.report.build import load_run, make_report
    from rtbench.report.capacity import render_table, write_capacity

    if end.directory is not None:
        make_report(end.directory)
    if end.failure is not None:
        print(f"rtbench: {end.failure}", file=sys.stderr)
        if end.failure.exit_code is not ExitCode.BUDGET:
            return end.failure.exit_code
        if search.found is None:  # else it was reached by the last calls of a search that was over
            if not search.steps:
                return end.failure.exit_code
            search.found = Found("budget", held_so_far(search.steps))
    if search.found is None:
        print("rtbench: interrupted before the search was over", file=sys.stderr)
        return ExitCode.INTERRUPTED
    reference = plan.reference.run if plan.reference is not None else None
    result = CapacityResult(
        scenario=plan.scenario,
        target=args.target,
        transport=plan.transport,
        open_load=plan.open_load,
        slos=plan.slos,
        found=search.found,
        steps=tuple(search.steps),
        reference=reference_waits(load_run(reference).turns, search.steps) if reference else (),
    )
    traffic = plan_sessions(parse_traffic(args.plan), result) if args.plan else None
    page = write_capacity(directory, result, traffic, end.directory)
    console = Console()
    console.print(render_table(result))
    console.print()
    for sentence in filter(None, (result.sentence, traffic.sentence if traffic else "")):
        console.print(sentence, highlight=False)
    console.print()
    console.print(str(page), soft_wrap=True, highlight=False)
    return result.exit_code


def _slos(written: list[str]) -> tuple[Threshold, ...]:
    from rtbench.scenario.threshold import parse_threshold

    slos = []
    for each in written:
        try:
            slos.append(parse_threshold(each))
        except UsageError as error:
            raise UsageError(str(error).replace("--threshold", "--slo", 1)) from None
    return tuple(slos)


def _share(written: str) -> float:
    try:
        share = float(written.strip().removesuffix("%")) / (100 if written.strip().endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0.001 <= share <= 0.5:
        raise UsageError(f"--resolution: must be a share from 0.1% to 50%, not '{written}'")
    return share


def _progress(step: StepResult) -> str:
    """One line about a step that is over."""
    from rtbench.report import notation

    slos = ", ".join(f"{slo.threshold.metric} {notation.actual(slo)}" for slo in step.slos)
    told = f"{step.phase:8} {step.level:8g}  {step.judgement.value:10} {step.turns:6,} turns  {slos}"
    if step.verdict.findings and step.judgement.value == "generator":
        return f"{told}  {step.verdict.findings[0].message}"
    return told
