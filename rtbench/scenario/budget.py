"""What a run may spend: counted while it goes on, and its end once that is reached (`estimate` tells it before).

Money is counted from the tokens that the service reports with every turn, time from how many calls are
open, second by second. What the turns under way will still cost is not known before they end, so a
limit is overrun by what those are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.core.errors import BudgetReached, UsageError
from rtbench.scenario.fault import did_you_mean
from rtbench.scenario.model import Scenario
from rtbench.scenario.prices import PRICES, price_of


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a run; None where there is none."""

    usd: float | None = None
    minutes: float | None = None
    """Of calls: ten callers spend ten in one minute."""


class BudgetMeter:
    """Counts what runs spend, one after the other, against one budget."""

    def __init__(self, budget: Budget, unseen_callers: int = 0) -> None:
        """`unseen_callers`: those of another process, whose rows do not come in. They count as long as the run lasts,
        and spend in a minute what the others do."""
        self.usd = 0.0
        self.minutes = 0.0
        self._budget = budget
        self._unseen_callers = unseen_callers

    @property
    def left(self) -> Budget:
        """What may still be spent; 0 where that is nothing."""
        limit = self._budget
        return Budget(
            None if limit.usd is None else max(0.0, limit.usd - self.usd),
            None if limit.minutes is None else max(0.0, limit.minutes - self.minutes),
        )

    def begin(self, scenario: Scenario) -> None:
        """The next run is of this scenario. Raises UsageError where money is limited and a model of it has no price."""
        if self._budget.usd is None:
            return
        if scenario.is_filtered:
            raise UsageError(
                "--budget-usd: webrtc_filter lets no count of tokens through; set control: sideband, "
                "or limit the run by --budget-minutes"
            )
        for model in scenario.models:
            if price_of(model) is None:
                raise UsageError(
                    f"--budget-usd: there is no price of the model '{model}'{did_you_mean(model, PRICES)} "
                    "--budget-minutes limits it without one"
                )

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """One finished row of a table."""
        if table == "turns":
            self.usd += row["cost_usd"] or 0.0
        elif table == "generator":
            self.minutes += row["sessions"] * row["interval_ms"] / 60_000

    def spend(self, usd: float, minutes: float) -> None:
        """What a run that another process held has spent."""
        self.usd += usd
        self.minutes += minutes

    def stop(self, elapsed_s: float) -> BudgetReached | None:
        """Why the run is to end; None as long as it may go on."""
        limit = self._budget
        minutes = self.minutes + self._unseen_callers * elapsed_s / 60
        usd = self.usd * (minutes / self.minutes if self.minutes > 0 else 1.0)
        if limit.usd is not None and usd >= limit.usd:
            return BudgetReached(
                f"the budget of {limit.usd:g} USD is reached after {elapsed_s:.0f} s: {usd:.4f} USD spent"
            )
        if limit.minutes is not None and minutes >= limit.minutes:
            return BudgetReached(
                f"the budget of {limit.minutes:g} call minutes is reached after {elapsed_s:.0f} s: "
                f"{minutes:.2f} spent"
            )
        return None
