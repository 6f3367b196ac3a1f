"""The options of `rtbench capacity`, read: what is to be searched, and how."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rtbench.cli.argument import seconds
from rtbench.core.errors import UsageError

if TYPE_CHECKING:
    from rtbench.load.capacity_plan import CapacityPlan
    from rtbench.scenario.model import Scenario
    from rtbench.scenario.threshold import Threshold

DEFAULT_FIRST, DEFAULT_MOST = 5.0, 1000.0
"""Callers."""

DEFAULT_FIRST_RATE, DEFAULT_MOST_RATE = 0.2, 50.0
"""Calls per second."""

DEFAULT_CAP = 1000
"""Calls at a time of an open load."""


def check_options(args: argparse.Namespace) -> None:
    """Options that would do nothing are refused. Raises UsageError."""
    for option in () if args.open else ("arrivals", "cap"):
        if getattr(args, option) is not None:
            raise UsageError(f"--{option}: only a search of calls per second has it; add --open")


def read_capacity_plan(args: argparse.Namespace, scenario: Scenario) -> CapacityPlan:
    """What the command line asks for. Raises UsageError."""
    from rtbench.analysis.capacity_search import SearchPlan
    from rtbench.load.capacity_plan import CapacityPlan, StepTimes

    slos = _slos(args.slo) or scenario.thresholds
    if not slos:
        raise UsageError("capacity needs at least one --slo, or thresholds in the scenario")
    first = args.first or (DEFAULT_FIRST_RATE if args.open else DEFAULT_FIRST)
    most = args.most or (DEFAULT_MOST_RATE if args.open else DEFAULT_MOST)
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
        most_users=(args.cap or DEFAULT_CAP) if args.open else round(most),
        open_load=args.open,
        arrivals=args.arrivals or "poisson",
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
