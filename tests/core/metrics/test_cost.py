import dataclasses

import pytest

from rtbench.core.metrics.cost import COST_METRICS
from rtbench.core.sessions import Session

NS_PER_S = 1_000_000_000
HELD = Session(cost_usd=0.12, planned_ns=5 * NS_PER_S, connected_ns=10 * NS_PER_S, ended_ns=100 * NS_PER_S)


def values(session: Session) -> list[float | None]:
    return [metric.compute(session) for metric in COST_METRICS]


def test_twelve_cents_in_a_minute_and_a_half_are_eight_a_minute() -> None:
    assert values(HELD) == [0.12, pytest.approx(0.08)]


def test_a_session_that_heard_no_answer_cost_nothing() -> None:
    assert values(dataclasses.replace(HELD, cost_usd=0.0)) == [0.0, 0.0]


def test_without_a_price_there_is_no_cost() -> None:
    assert values(dataclasses.replace(HELD, cost_usd=None)) == [None, None]


def test_a_session_that_never_connected_has_no_minutes() -> None:
    assert values(dataclasses.replace(HELD, cost_usd=0.0, connected_ns=None)) == [0.0, None]
