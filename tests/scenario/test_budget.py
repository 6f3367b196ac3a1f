"""Budgets: what is counted, and when a run is stopped."""

import pytest

from rtbench.core.errors import ExitCode, UsageError
from rtbench.scenario.budget import Budget, BudgetMeter
from rtbench.scenario.model import Scenario

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


def test_money_cannot_be_limited_where_no_tokens_are_told() -> None:
    filtered = {"transport": "webrtc", "webrtc_filter": True}
    with pytest.raises(UsageError, match=r"webrtc_filter lets no count of tokens through.*--budget-minutes"):
        BudgetMeter(Budget(usd=1.0)).begin(scenario(**filtered))
    BudgetMeter(Budget(minutes=1.0)).begin(scenario(**filtered))
    BudgetMeter(Budget(usd=1.0)).begin(scenario(**filtered, control="sideband"))


def test_money_cannot_be_limited_without_a_price() -> None:
    with pytest.raises(
        UsageError, match=r"no price of the model 'gpt-realtme'; did you mean 'gpt-realtime'\?.*minutes"
    ):
        BudgetMeter(Budget(usd=1.0)).begin(scenario("gpt-realtme"))
    with pytest.raises(UsageError, match="no price of the model 'in-writing'"):
        BudgetMeter(Budget(usd=1.0)).begin(scenario(reconnect={"fall_back_model": "in-writing"}))
    BudgetMeter(Budget(minutes=1.0)).begin(scenario("somebody-elses-model"))


def test_what_other_processes_spent_is_counted_and_what_is_left_told(meter: BudgetMeter) -> None:
    meter.spend(0.04, 0.5)
    assert (meter.left.usd, meter.left.minutes) == (pytest.approx(0.06), pytest.approx(1.5))
    meter.spend(0.07, 0.5)
    assert (meter.left.usd, meter.left.minutes) == (0.0, pytest.approx(1.0))
    assert meter.stop(3.0) is not None
    assert BudgetMeter(Budget()).left == Budget()


def test_a_caller_of_whom_nothing_comes_in_spends_what_the_others_do() -> None:
    """By hand: 3 minutes of 0.5 USD were seen, and 60 s of one more caller were not: 4 minutes, 0.6667 USD."""
    meter = BudgetMeter(Budget(usd=0.6, minutes=4.5), unseen_callers=1)
    meter.take("generator", {"sessions": 180, "interval_ms": 1_000.0})
    meter.take("turns", TURN | {"cost_usd": 0.5})
    assert str(meter.stop(60.0)) == "the budget of 0.6 USD is reached after 60 s: 0.6667 USD spent"
    by_time = BudgetMeter(Budget(minutes=3.9), unseen_callers=1)
    by_time.take("generator", {"sessions": 180, "interval_ms": 1_000.0})
    assert by_time.stop(53.0) is None
    assert by_time.stop(54.0) is not None
