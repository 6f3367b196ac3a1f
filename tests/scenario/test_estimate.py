"""What a run may come to before it is held, against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.scenario.estimate import Estimate, estimate, of_search, total, usd_per_minute
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario
from rtbench.scenario.prices import PRICES
from rtbench.scenario.shape import parse_shape


def scenario(model: str = "gpt-realtime", **keys: object) -> Scenario:
    conversation = [{"say": "hours_question"}, "listen"]
    return Scenario.model_validate(
        {"name": "calls", "session": {"model": model}, "conversation": conversation, **keys}
    )


def test_the_estimate_tells_time_and_money() -> None:
    told = str(estimate(scenario(), users=30, seconds=60.0))
    per_minute = usd_per_minute(PRICES["gpt-realtime"])
    assert told.startswith(
        f"at most 30.0 call minutes, about {30 * per_minute:,.2f} USD (gpt-realtime, prices of "
    )
    told = str(estimate(scenario(iterations=2), users=5))
    assert told.startswith("10 calls of about 3 min, about ")
    assert str(estimate(scenario("other"), users=1, seconds=60.0)).endswith("there is no price of other")


def test_what_is_not_asked_for_is_the_scenario_s() -> None:
    own = scenario(users=4, duration="90 s")
    assert estimate(own).minutes == pytest.approx(6.0)
    assert estimate(own, seconds=30.0).minutes == pytest.approx(2.0)
    assert estimate(own, users=10).minutes == pytest.approx(15.0)


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("closed:users=10,lasts=2min", 20.0),
        ("ramp:start=0,users=60,over=2min,hold=1min", 120.0),  # 60 in the ramp, 60 after it
        ("steps:start=10,users=30,by=10,every=1min", 60.0),
        ("spike:base=6,users=60,before=1min,lasts=1min,after=1min", 72.0),
        ("open:rate=0.5,arrivals=constant,cap=1000,lasts=2min", 180.0),  # 60 calls of 3 min
        ("open:rate=50,arrivals=constant,cap=10,lasts=2min", 50.0),  # 10 at a time, and the last ones' 3 min
    ],
)
def test_a_shape_comes_to_what_is_under_its_curve(written: str, minutes: float) -> None:
    assert estimate(scenario(), shape=parse_shape(written)).minutes == pytest.approx(minutes, rel=0.002)


def test_a_scenario_s_own_shape_counts_unless_the_command_line_overrules_it(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("seconds\n0\n10\n20\n")
    path = tmp_path / "a.yaml"
    conversation = "name: a\nconversation: [{say: {role: question}}, listen]\n"
    path.write_text(conversation + "shape: {replay: {file: calls.csv, cap: 9}}\n")
    assert str(estimate(load_scenario(path))).startswith("3 calls of about 3 min")
    assert estimate(load_scenario(path), users=2, seconds=60.0).minutes == pytest.approx(2.0)


def test_several_runs_are_added_up_and_one_without_a_price_leaves_none() -> None:
    one, other = estimate(scenario(), 30, 60.0), estimate(scenario("gpt-realtime-mini"), 30, 60.0)
    both = total([one, one, other], "3 runs")
    assert (both.minutes, both.models) == (pytest.approx(90.0), ("gpt-realtime", "gpt-realtime-mini"))
    assert one.usd is not None and other.usd is not None
    assert both.usd == pytest.approx(2 * one.usd + other.usd)
    assert str(both).startswith("3 runs of about 90.0 call minutes in all, about ")
    priceless = total([one, estimate(scenario("other"), 1, 60.0)], "2 runs")
    assert str(priceless) == "2 runs of about 31.0 call minutes in all; there is no price of other"


def test_a_search_has_a_least_and_a_most() -> None:
    found = of_search(scenario(), 10.0, 40.0)
    per_minute = usd_per_minute(PRICES["gpt-realtime"])
    assert str(found).startswith(
        f"10 to 40 call minutes, about {10 * per_minute:,.2f} to {40 * per_minute:,.2f} USD ("
    )
    assert str(of_search(scenario("other"), 1, 2)) == "1 to 2 call minutes; there is no price of other"


def test_a_minute_costs_what_is_said_in_it_and_what_is_read_again() -> None:
    """By hand: 250 tokens in at 32, 500 out at 64, and 6 times half of 3 minutes' 750 tokens a minute, cached at 0.4."""
    assert usd_per_minute(PRICES["gpt-realtime"], 3.0) == pytest.approx(
        (250 * 32 + 500 * 64 + 6 * 1125 * 0.4) / 1e6
    )
    assert isinstance(estimate(scenario()), Estimate)
