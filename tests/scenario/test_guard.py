"""Everything that may end a run is asked in the same way."""

from rtbench.scenario.budget import Budget, BudgetMeter
from rtbench.scenario.guard import Guard
from rtbench.scenario.live_threshold import LiveThresholds


def test_budgets_and_thresholds_are_guards() -> None:
    assert isinstance(BudgetMeter(Budget()), Guard)
    assert isinstance(LiveThresholds([], target="emulator", transport="websocket"), Guard)
