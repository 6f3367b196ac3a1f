"""The money rules of every command that calls: a budget or a waiver for what is not on this machine, and what it may come to."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from rtbench.core.errors import UsageError
from rtbench.scenario.amount import positive_amount

if TYPE_CHECKING:
    from rtbench.scenario.budget import BudgetMeter
    from rtbench.scenario.estimate import Estimate


def add_budget_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """`--budget-usd`, `--budget-minutes` and `--no-budget`."""
    parser.add_argument(
        "--budget-usd",
        type=positive_amount,
        metavar="USD",
        help="stop when so much is spent, by the tokens that are reported",
    )
    parser.add_argument(
        "--budget-minutes",
        type=positive_amount,
        metavar="N",
        help="stop when calls of so many minutes in all were held",
    )
    parser.add_argument(
        "--no-budget",
        action="store_true",
        help="let a target that is not on this machine spend without a limit",
    )


def read_meter(args: argparse.Namespace, unseen_callers: int = 0) -> BudgetMeter | None:
    """The budget of the command line with nothing spent yet, None where there is none (see `BudgetMeter`).

    Raises UsageError where a target that is not on this machine may spend without one and nobody said that it may.
    """
    from rtbench.scenario.budget import Budget, BudgetMeter

    limited = args.budget_usd is not None or args.budget_minutes is not None
    if limited and args.no_budget:
        raise UsageError("--no-budget and a budget: say one or the other")
    if limited:
        return BudgetMeter(Budget(args.budget_usd, args.budget_minutes), unseen_callers)
    if is_remote(args.target) and not args.no_budget:
        raise UsageError(
            f"{args.target} is not on this machine and may cost money: give --budget-usd or --budget-minutes, "
            "or say --no-budget if that is meant."
        )
    return None


def tell_estimate(args: argparse.Namespace, found: Estimate) -> None:
    """Say what may be spent, where anything may."""
    if is_remote(args.target) or args.budget_usd is not None or args.budget_minutes is not None:
        print(f"rtbench: {found}", file=sys.stderr)


def is_remote(target: str | None) -> bool:
    """Whether calls to it leave this machine; None is the embedded emulator. Raises UsageError for what is no target."""
    from rtbench.engine.target import EMULATOR, named_target

    return target not in (None, EMULATOR) and not named_target(str(target)).is_loopback
