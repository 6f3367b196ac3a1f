"""What a run may come to before it is held: minutes of calls, and what those cost by published prices.

An upper bound where it is known how many call at a time, a guess where calls come and end by themselves;
no call is ever cheaper for having been guessed, so it is the budget that limits a run, not this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rtbench.scenario.model import Scenario
from rtbench.scenario.prices import PRICES_AS_OF, Price, price_of
from rtbench.scenario.shape import AnyShape, Open, Replay, Shape

SPEAKING_S_PER_MINUTE = 25.0
"""Of the caller, and of the agent: the rest of a minute is waiting and thinking."""

TURNS_PER_MINUTE = 6.0
USER_TOKENS_PER_S, AGENT_TOKENS_PER_S = 10.0, 20.0
"""Documented (cost guide of the Realtime API): 1 token per 100 ms of the caller, per 50 ms of the agent."""

CALL_MINUTES = 3.0
"""Length of a call for the estimate: every answer reads again all that was said before it in the call."""

LOOKS = 10_000
"""At so many instants it is seen how many callers a shape wants: the mean is right to a few hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run, or several of them, may come to."""

    told: str
    """How long in words."""

    minutes: float
    """Of calls: ten callers make ten in one minute."""

    models: tuple[str, ...]
    """Each once."""

    usd: float | None
    """None where a model has no price."""

    least_usd: float | None = None
    """Where it depends on what is found, what it comes to at least."""

    def __str__(self) -> str:
        if self.usd is None:
            missing = ", ".join(model for model in self.models if price_of(model) is None)
            return f"{self.told}; there is no price of {missing}"
        least = "" if self.least_usd is None else f"{self.least_usd:,.2f} to "
        models = ", ".join(self.models)
        return f"{self.told}, about {least}{self.usd:,.2f} USD ({models}, prices of {PRICES_AS_OF})"


def estimate(
    scenario: Scenario, users: int | None = None, seconds: float | None = None, shape: Shape | None = None
) -> Estimate:
    """Of one run, as `rtbench run` would hold it: what is None is left to the scenario.

    The trace of a `shape` that is given has been read. Raises UsageError where the scenario's own cannot be.
    """
    if shape is None and users is None and seconds is None and scenario.shape is not None:
        folder = scenario.source.path.parent if scenario.source is not None else Path()
        shape = scenario.shape.read_trace(folder)
    if shape is not None:
        return _of_shape(scenario, shape.one)
    users = users or scenario.users
    if seconds is None and scenario.duration is not None:
        seconds = scenario.duration.s
    if seconds is None:
        return of_calls(scenario, users * (scenario.iterations_per_user or 1))
    return of_minutes(scenario, users * seconds / 60)


def of_minutes(scenario: Scenario, minutes: float) -> Estimate:
    """Of so many minutes of calls, at most."""
    return _estimate(scenario, f"at most {minutes:,.1f} call minutes", minutes)


def of_search(scenario: Scenario, least_minutes: float, most_minutes: float) -> Estimate:
    """Of a search that ends sooner or later, as what it finds will have it."""
    most = _estimate(scenario, f"{least_minutes:,.0f} to {most_minutes:,.0f} call minutes", most_minutes)
    least_usd = None if most.usd is None else most.usd * least_minutes / most_minutes
    return replace(most, least_usd=least_usd)


def of_calls(scenario: Scenario, calls: int) -> Estimate:
    """Of so many calls, of which it is not known how long they last."""
    return _estimate(scenario, f"{calls:,} calls of about {CALL_MINUTES:g} min", calls * CALL_MINUTES)


def total(parts: Iterable[Estimate], what: str) -> Estimate:
    """Of several runs together, which are `what`."""
    all_parts = list(parts)
    minutes = sum(part.minutes for part in all_parts)
    costs = [part.usd for part in all_parts]
    known = [cost for cost in costs if cost is not None]
    return Estimate(
        f"{what} of about {minutes:,.1f} call minutes in all",
        minutes,
        tuple(dict.fromkeys(model for part in all_parts for model in part.models)),
        sum(known) if len(known) == len(costs) else None,
    )


def usd_per_minute(price: Price, call_minutes: float = CALL_MINUTES) -> float:
    """The mean cost of a minute in a call of so many minutes."""
    said = SPEAKING_S_PER_MINUTE * USER_TOKENS_PER_S
    answered = SPEAKING_S_PER_MINUTE * AGENT_TOKENS_PER_S
    read_again = TURNS_PER_MINUTE * (said + answered) * call_minutes / 2
    new = said * price.audio_in + answered * price.audio_out
    return (new + read_again * price.audio_cached) / 1_000_000


def _of_shape(scenario: Scenario, shape: AnyShape) -> Estimate:
    if isinstance(shape, Open | Replay):
        calls = sum(1 for _ in shape.arrivals_s(scenario.seed))
        most = shape.cap * (shape.length_s / 60 + CALL_MINUTES)
        return of_calls(scenario, calls) if calls * CALL_MINUTES <= most else of_minutes(scenario, most)
    step_s = shape.length_s / LOOKS
    seconds = step_s * sum(shape.users_at((look + 0.5) * step_s) for look in range(LOOKS))
    return of_minutes(scenario, seconds / 60)


def _estimate(scenario: Scenario, told: str, minutes: float) -> Estimate:
    model = scenario.session.model
    price = price_of(model)
    return Estimate(told, minutes, (model,), minutes * usd_per_minute(price) if price is not None else None)
