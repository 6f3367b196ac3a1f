"""What callers under plain Locust may spend, by the options of its command line."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from locust.argument_parser import LocustArgumentParser

from rtbench.core.errors import BudgetReached, UsageError
from rtbench.load.purse import Purse, add_options
from rtbench.scenario.load import load_scenario

AFAR = "https://voice.example/v1"


def parsed(*words: str) -> Namespace:
    parser = LocustArgumentParser()
    add_options(parser)
    return parser.parse_args(list(words))


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USD", "MINUTES"):
        monkeypatch.delenv(f"RTBENCH_BUDGET_{name}", raising=False)
    monkeypatch.delenv("RTBENCH_NO_BUDGET", raising=False)


@pytest.mark.parametrize("options", [None, parsed()])
def test_a_target_elsewhere_needs_a_limit(options: Namespace | None) -> None:
    with pytest.raises(
        UsageError, match=rf"{AFAR} .*may cost money.*RTBENCH_BUDGET_USD.*RTBENCH_NO_BUDGET=1"
    ):
        Purse(options).admit(AFAR, [])


@pytest.mark.parametrize("target", ["emulator", "http://127.0.0.1:8080/v1", "http://localhost/v1"])
def test_a_target_on_this_machine_does_not(target: str) -> None:
    Purse(parsed()).admit(target, [])


@pytest.mark.parametrize("words", [("--budget-usd", "2"), ("--budget-minutes", "9"), ("--no-budget",)])
def test_a_limit_or_a_waiver_lets_a_run_begin(words: tuple[str, ...]) -> None:
    Purse(parsed(*words)).admit(AFAR, [])


@pytest.mark.parametrize(
    ("variable", "value"), [("BUDGET_USD", "2"), ("BUDGET_MINUTES", "9"), ("NO_BUDGET", "1")]
)
def test_the_environment_says_it_as_well(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(f"RTBENCH_{variable}", value)
    Purse(parsed()).admit(AFAR, [])


def test_a_waiver_and_a_limit_contradict() -> None:
    with pytest.raises(UsageError, match="say one or the other"):
        Purse(parsed("--no-budget", "--budget-usd", "2"))


@pytest.mark.parametrize("amount", ["0", "-1", "much", "inf"])
def test_an_amount_is_a_number_above_0(amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--budget-usd", amount)
    assert "must be a number above 0" in capsys.readouterr().err


def test_money_cannot_be_limited_where_a_model_has_no_price(scenario_file: Path) -> None:
    scenario_file.write_text(scenario_file.read_text() + "session: {model: nobody-sells-this}\n")
    with pytest.raises(UsageError, match="no price of the model 'nobody-sells-this'"):
        Purse(parsed("--budget-usd", "2")).admit(AFAR, [load_scenario(scenario_file)])


def test_money_and_minutes_are_counted_over_all_runs_of_the_process() -> None:
    purse = Purse(parsed("--budget-usd", "0.5", "--budget-minutes", "2"))
    purse.admit(AFAR, [])
    purse.take("turns", {"cost_usd": 0.25})
    purse.take("generator", {"sessions": 60, "interval_ms": 1_000.0})
    assert purse.reached() is None
    purse.take("turns", {"cost_usd": 0.25})
    assert isinstance(purse.reached(), BudgetReached)
    with pytest.raises(BudgetReached, match=r"0\.5 USD is reached"):
        purse.admit(AFAR, [])


def test_without_a_limit_nothing_is_reached() -> None:
    purse = Purse(parsed("--no-budget"))
    purse.take("turns", {"cost_usd": 1e6})
    assert purse.reached() is None


def test_nobody_can_change_it_on_the_page() -> None:
    parser = LocustArgumentParser()
    add_options(parser)
    assert not {"budget_usd", "budget_minutes", "no_budget"} & parser.args_included_in_web_ui.keys()
