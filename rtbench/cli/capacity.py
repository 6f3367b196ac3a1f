"""`rtbench capacity`: search the highest load that holds the SLOs, or plan for calls by Erlang's formulas."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.cli.argument import positive_int
from rtbench.cli.budget import add_budget_options, read_meter, tell_estimate
from rtbench.cli.capacity_plan import DEFAULT_CAP, check_options, read_capacity_plan
from rtbench.core.errors import ExitCode, UsageError
from rtbench.scenario.amount import positive_amount

if TYPE_CHECKING:
    from rtbench.analysis.planning import Traffic
    from rtbench.load.reference import ReferenceCall


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "capacity",
        help="search the highest load that holds the SLOs",
        description="Search the highest number of concurrent calls, or with --open of calls per second, that holds "
        "the SLOs: steps up, then bisects, repeats, and holds the answer for longer. Exit code 0: an answer that lasted; "
        "2: no load holds, or none does for longer; 4: this machine's limit came first; 6: the budget did; 7: too few "
        "samples, or --cap is too low.",
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
        help="with --open: calls independent of each other (poisson, default), or evenly apart",
    )
    parser.add_argument("--from", dest="first", type=positive_amount, metavar="N", help="first load tried")
    parser.add_argument("--to", dest="most", type=positive_amount, metavar="N", help="highest load tried")
    parser.add_argument(
        "--cap",
        type=positive_int,
        metavar="N",
        help=f"with --open: most calls at a time (default: {DEFAULT_CAP})",
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

    check_options(args)
    traffic = parse_traffic(args.plan) if args.plan else None
    if args.scenario is None:
        if traffic is None:
            raise UsageError("capacity needs a scenario to search with, or --plan")
        print(plan_sessions(traffic).sentence)
        return ExitCode.PASS
    return _search(args, traffic)


def _search(args: argparse.Namespace, traffic: Traffic | None) -> int:
    from rich.console import Console

    from rtbench.cli.capacity_report import SearchEnd, report_search, step_line
    from rtbench.cli.run import check_scenarios
    from rtbench.clock import local_time
    from rtbench.load.capacity import CapacitySearch
    from rtbench.load.capacity_estimate import estimate_search
    from rtbench.load.run import LedLoad, RunOptions, run
    from rtbench.results.run_directory import make_directory
    from rtbench.scenario.load import load_scenario

    check_scenarios([args.scenario], args.transport)
    meter = read_meter(args, unseen_callers=0 if args.no_reference else 1)
    scenario = load_scenario(args.scenario)
    plan = read_capacity_plan(args, scenario)
    if meter is not None:
        meter.begin(scenario)
    tell_estimate(args, estimate_search(scenario, plan))
    directory = make_directory(args.out, f"{scenario.name}-capacity", local_time())
    if not args.no_reference:
        plan = replace(plan, reference=_reference(args, directory))
    console = Console(stderr=True)
    found = CapacitySearch(plan, lambda step: console.print(step_line(step), highlight=False))
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
    return report_search(SearchEnd(args.target, directory, plan, found, end), traffic)


def _reference(args: argparse.Namespace, directory: Path) -> ReferenceCall:
    from rtbench.load.reference import ReferenceCall

    # What it spends is counted with the rest, and it ends with the rest.
    arguments = ["--no-budget", *(["--transport", args.transport] if args.transport else [])]
    return ReferenceCall(args.scenario, directory / "reference", arguments)
