from rtbench.analysis.cost import KINDS, Cost
from rtbench.report.cost import cost_facts


def test_costs_are_told_with_what_they_are_of() -> None:
    facts = dict(cost_facts(Cost(dict.fromkeys(KINDS, 1_200), usd=1.5, call_minutes=20.04, sessions=10)))
    assert facts["In all"] == "1.50 USD"
    assert facts["Per call minute"] == "0.075 USD (of 20.0 min)"
    assert facts["Per session"] == "0.15 USD (of 10)"
    assert facts["Tokens, audio in"] == "1,200"


def test_without_a_price_there_are_tokens_only() -> None:
    facts = dict(cost_facts(Cost(dict.fromkeys(KINDS, 7), usd=None, call_minutes=1.0, sessions=1)))
    assert facts["In all"] == "n/a: there is no price of the model"
    assert facts["Tokens, text out"] == "7"
