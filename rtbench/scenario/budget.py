"""What a run may spend: estimated before it, counted while it goes on, and its end once that is reached.

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
from rtbench.scenario.prices import PRICES, PRICES_AS_OF, Price, price_of

SPEAKING_S_PER_MINUTE = 25.0
"""Of the caller, and of the agent: the rest of a minute is waiting and thinking."""

TURNS_PER_MINUTE = 6.0
USER_TOKENS_PER_S, AGENT_TOKENS_PER_S = 10.0, 20.0
"""Documented (cost guide of the Realtime API): 1 token per 100 ms of the caller, per 50 ms of the agent."""

CALL_MINUTES = 3.0
"""Length of a call for the estimate: every answer reads again all that was said before it in the call."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a run; None where there is none."""

    usd: float | None = None
    minutes: float | None = None
    """Of calls: ten callers spend ten in one minute."""


class BudgetMeter:
    """Counts what runs spend, one after the other, against one budget."""

    def __init__(self, budget: Budget) -> None:
        self.usd = 0.0
        self.minutes = 0.0
        self._budget = budget

    def begin(self, scenario: Scenario) -> None:
        """The next run is of this scenario. Raises UsageError where money is limited and a model of it has no price."""
        if self._budget.usd is None:
            return
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

    def stop(self, elapsed_s: float) -> BudgetReached | None:
        """Why the run is to end; None as long as it may go on."""
        limit = self._budget
        if limit.usd is not None and self.usd >= limit.usd:
            return BudgetReached(
                f"the budget of {limit.usd:g} USD is reached after {elapsed_s:.0f} s: {self.usd:.4f} USD spent"
            )
        if limit.minutes is not None and self.minutes >= limit.minutes:
            return BudgetReached(
                f"the budget of {limit.minutes:g} call minutes is reached after {elapsed_s:.0f} s: "
                f"{self.minutes:.2f} spent"
            )
        return None


def estimate(scenario: Scenario, users: int, seconds: float | None) -> str:
    """What a run may come to, as a sentence; `seconds` is None where callers end by themselves."""
    if seconds is None:
        calls = users * (scenario.iterations_per_user or 1)
        minutes, told = calls * CALL_MINUTES, f"{calls:,} calls of about {CALL_MINUTES:g} min"
    else:
        minutes = users * seconds / 60
        told = f"at most {minutes:,.1f} call minutes"
    price = price_of(scenario.session.model)
    if price is None:
        return f"{told}; there is no price of {scenario.session.model}"
    return (
        f"{told}, about {minutes * usd_per_minute(price):,.2f} USD "
        f"({scenario.session.model}, prices of {PRICES_AS_OF})"
    )


def usd_per_minute(price: Price, call_minutes: float = CALL_MINUTES) -> float:
    """The mean cost of a minute in a call of so many minutes."""
    said = SPEAKING_S_PER_MINUTE * USER_TOKENS_PER_S
    answered = SPEAKING_S_PER_MINUTE * AGENT_TOKENS_PER_S
    read_again = TURNS_PER_MINUTE * (said + answered) * call_minutes / 2
    new = said * price.audio_in + answered * price.audio_out
    return (new + read_again * price.audio_cached) / 1_000_000
