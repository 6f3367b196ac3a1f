"""Budgets: what is counted, when a run is stopped, and the estimate before it."""

import pytest

from rtbench.core.errors import ExitCode, UsageError
from rtbench.scenario.budget import Budget, BudgetMeter, estimate, usd_per_minute
from rtbench.scenario.model import Scenario
from rtbench.scenario.prices import PRICES

TURN = {"scenario": "calls", "cost_usd": 0.064}


def scenario(model: str = "gpt-realtime", **keys: object) -> Scenario:
    conversation = [{"say": "hours_question"}, "listen"]
    return Scenario.model_validate(
        {"name": "calls", "session": {"model": model}, "conversation": conversation, **keys}
    )


@pytest.fixture
def meter() -> BudgetMeter:
    meter = BudgetMeter(Budget(usd=0.1, minutes=2.0))
    meter.begin(scenario())
    return meter


def test_a_run_is_stopped_by_what_its_turns_cost(meter: BudgetMeter) -> None:
    meter.take("turns", TURN)
    assert meter.usd == pytest.approx(0.064)
    assert meter.stop(9.0) is None
    meter.take("turns", TURN)
    stop = meter.stop(12.0)
    assert stop is not None and stop.exit_code == ExitCode.BUDGET
    assert str(stop) == "the budget of 0.1 USD is reached after 12 s: 0.1280 USD spent"


def test_a_run_is_stopped_by_the_time_its_calls_take(meter: BudgetMeter) -> None:
    meter.take("generator", {"sessions": 100, "interval_ms": 1_000.0})
    assert meter.stop(1.0) is None
    meter.take("generator", {"sessions": 40, "interval_ms": 500.0})
    assert str(meter.stop(2.0)) == "the budget of 2 call minutes is reached after 2 s: 2.00 spent"


def test_the_next_run_goes_on_counting(meter: BudgetMeter) -> None:
    meter.take("turns", TURN)
    meter.begin(scenario())
    meter.take("turns", TURN)
    assert meter.stop(1.0) is not None


def test_without_limits_nothing_stops() -> None:
    meter = BudgetMeter(Budget())
    meter.begin(scenario("somebody-elses-model"))
    meter.take("turns", TURN | {"cost_usd": None})
    meter.take("sessions", {})
    assert meter.stop(1e9) is None


def test_money_cannot_be_limited_without_a_price() -> None:
    with pytest.raises(
        UsageError, match=r"no price of the model 'gpt-realtme'; did you mean 'gpt-realtime'\?.*minutes"
    ):
        BudgetMeter(Budget(usd=1.0)).begin(scenario("gpt-realtme"))
    with pytest.raises(UsageError, match="no price of the model 'in-writing'"):
        BudgetMeter(Budget(usd=1.0)).begin(scenario(reconnect={"fall_back_model": "in-writing"}))
    BudgetMeter(Budget(minutes=1.0)).begin(scenario("somebody-elses-model"))


def test_the_estimate_tells_time_and_money() -> None:
    told = estimate(scenario(), users=30, seconds=60.0)
    per_minute = usd_per_minute(PRICES["gpt-realtime"])
    assert told.startswith(
        f"at most 30.0 call minutes, about {30 * per_minute:,.2f} USD (gpt-realtime, prices of "
    )
    assert estimate(scenario(iterations=2), users=5, seconds=None).startswith(
        "10 calls of about 3 min, about "
    )
    assert estimate(scenario("other"), users=1, seconds=60.0).endswith("there is no price of other")


def test_a_minute_costs_what_is_said_in_it_and_what_is_read_again() -> None:
    """By hand: 250 tokens in at 32, 500 out at 64, and 6 times half of 3 minutes' 750 tokens a minute, cached at 0.4."""
    assert usd_per_minute(PRICES["gpt-realtime"], 3.0) == pytest.approx(
        (250 * 32 + 500 * 64 + 6 * 1125 * 0.4) / 1e6
    )
