"""The money rules of plain `locust`: as those of `rtbench run`, by options of Locust's own command line.

    --budget-usd N        RTBENCH_BUDGET_USD
    --budget-minutes N    RTBENCH_BUDGET_MINUTES
    --no-budget           RTBENCH_NO_BUDGET

A target that is not on this machine needs one of them. They are read where the run is led: by a lone
process or the master, not by workers. One budget holds for all runs of the process, however often its
page starts one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.core.errors import BudgetReached, UsageError
from rtbench.engine.target import EMULATOR, named_target
from rtbench.scenario.amount import positive_amount
from rtbench.scenario.budget import Budget, BudgetMeter
from rtbench.scenario.model import Scenario


def add_options(parser: Any) -> None:
    """To Locust's command line; they are not shown on its page, where anybody could change them."""
    group = parser.add_argument_group("rtbench", "what callers of RealtimeUser may spend")
    for unit, meaning in (("usd", "US dollars are spent"), ("minutes", "call minutes were held")):
        group.add_argument(
            f"--budget-{unit}",
            env_var=f"RTBENCH_BUDGET_{unit.upper()}",
            type=positive_amount,
            metavar="N",
            help=f"stop when so many {meaning}",
        ).include_in_web_ui = False
    group.add_argument(
        "--no-budget",
        env_var="RTBENCH_NO_BUDGET",
        action="store_true",
        help="let a target that is not on this machine spend without a limit",
    ).include_in_web_ui = False


class Purse:
    """What the runs of one process may spend, and have spent."""

    def __init__(self, options: argparse.Namespace | None) -> None:
        """Those of Locust's command line, None where there was none. Raises UsageError where they contradict."""
        usd = getattr(options, "budget_usd", None)
        minutes = getattr(options, "budget_minutes", None)
        self._waived = bool(getattr(options, "no_budget", False))
        self._meter: BudgetMeter | None = None
        self._since_ns = 0
        if usd is None and minutes is None:
            return
        if self._waived:
            raise UsageError("--no-budget and a budget: say one or the other")
        self._meter = BudgetMeter(Budget(usd, minutes))

    def admit(self, target: str, scenarios: Iterable[Scenario]) -> None:
        """A run is about to begin. Raises UsageError where it may not, BudgetReached where all is spent already."""
        self._since_ns = monotonic_ns()
        if self._meter is not None:
            for scenario in scenarios:
                self._meter.begin(scenario)
            if (reached := self.reached()) is not None:
                raise reached
        elif not self._waived and target != EMULATOR and not named_target(target).is_loopback:
            raise UsageError(
                f"{target} is not on this machine and may cost money: give --budget-usd or --budget-minutes "
                "(RTBENCH_BUDGET_USD, RTBENCH_BUDGET_MINUTES), or say --no-budget (RTBENCH_NO_BUDGET=1) if that is meant."
            )

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """One finished row of a table."""
        if self._meter is not None:
            self._meter.take(table, row)

    def reached(self) -> BudgetReached | None:
        """Why the run is to end; None as long as it may go on."""
        if self._meter is None:
            return None
        return self._meter.stop((monotonic_ns() - self._since_ns) / NS_PER_S)
