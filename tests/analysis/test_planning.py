"""Sessions for a traffic, worked out by hand from Erlang's tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rtbench.analysis.capacity_search import Found
from rtbench.analysis.planning import Traffic, parse_traffic, plan_sessions
from rtbench.core.errors import UsageError


def measured(level: float, *, open_load: bool = False) -> Any:
    return SimpleNamespace(open_load=open_load, found=Found("edge", level, confirmed=True))


def test_calls_an_hour_become_erlangs_and_sessions() -> None:
    # 1200 calls of 180 s are 60 erlangs, of which 74 places lose a little more than 1 %.
    plan = plan_sessions(Traffic(1200, 180.0))
    assert plan.traffic.erlangs == 60.0
    assert plan.per_region == plan.bare_per_region == 75
    assert plan.blocked <= 0.01
    assert "need 75 sessions: without headroom" in plan.sentence


def test_every_region_carries_its_part_by_itself_and_headroom_is_added_last() -> None:
    # 30 erlangs each: 42 places lose less than 1 % (the tables' 30.77); with 20 % more, 50.4.
    plan = plan_sessions(Traffic(1200, 180.0, regions=2, headroom=0.2))
    assert (plan.bare_per_region, plan.per_region) == (42, 51)
    assert "in each of 2 regions, 20% of headroom included" in plan.sentence


@pytest.mark.parametrize(("headroom", "sessions"), [("10%", 110), ("0.1", 110), ("10.1%", 111), ("7%", 107)])
def test_headroom_is_exact(headroom: str, sessions: int) -> None:
    # 84 erlangs need 100 places at 1 %: 100 x 1.1 is 110, and 100 x 1.101 is 110.1.
    traffic = parse_traffic(f"calls_per_hour=302400,mean_call=1s,headroom={headroom}")
    plan = plan_sessions(traffic)
    assert (plan.bare_per_region, plan.per_region) == (100, sessions)


def test_a_measured_service_is_counted_whole() -> None:
    plan = plan_sessions(Traffic(1200, 180.0), measured(20))
    assert plan.services == 4  # 75 sessions, 20 each
    assert plan.carried_per_hour == pytest.approx(12.03 * 3600 / 180, rel=1e-3)
    assert "4 of it." in plan.sentence


@pytest.mark.parametrize(
    "result",
    [
        None,
        measured(3.2, open_load=True),
        SimpleNamespace(open_load=False, found=Found("generator", 40)),
        SimpleNamespace(open_load=False, found=Found("unconfirmed", 18, edges=(20.0,), stopped_at=11)),
    ],
)
def test_without_a_number_of_concurrent_calls_there_is_nothing_to_count_by(result: Any) -> None:
    assert plan_sessions(Traffic(1200, 180.0), result).services is None


def test_a_traffic_is_read_with_its_units() -> None:
    written = "calls_per_hour=1200, mean_call=3 min,blocking=2%,regions=3,headroom=25%"
    assert parse_traffic(written) == Traffic(1200.0, 180.0, 0.02, 3, 0.25)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("calls_per_hour=10", "mean_call is missing"),
        ("calls=10,mean_call=1s", "unknown key 'calls'; valid are blocking, calls_per_hour"),
        ("calls_per_hour=ten,mean_call=1s", "calls_per_hour: must be a number, not 'ten'"),
        ("calls_per_hour=10,mean_call=180", "mean_call: a duration needs its unit"),
        ("calls_per_hour=10,mean_call=1s,calls_per_hour=12", "calls_per_hour is given twice"),
        ("calls_per_hour=0,mean_call=1s", "calls_per_hour: must be above 0"),
        ("calls_per_hour=1,mean_call=1s,blocking=150%", "blocking must lie between"),
        ("calls_per_hour=1,mean_call=1s,regions=1.5", "regions must be a whole number"),
    ],
)
def test_a_traffic_that_is_none_is_told(written: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"^--plan: {told}"):
        parse_traffic(written)
