"""The options of `rtbench capacity`: what is searched by them, and what is left as it is without them."""

from __future__ import annotations

import argparse

import pytest

from rtbench.cli import capacity
from rtbench.cli.capacity_plan import check_options, read_capacity_plan
from rtbench.core.errors import UsageError
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.scenario.model import Scenario

SCENARIO = Scenario.model_validate(
    {
        "name": "a",
        "seed": 7,
        "conversation": [{"say": {"role": "question"}}, "listen"],
        "thresholds": {"voice_to_voice_ms": {"p50": "< 700"}},
    }
)


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    capacity.register(parser.add_subparsers())
    return parser.parse_args(["capacity", "a.yaml", *words])


def plan(*words: str) -> CapacityPlan:
    return read_capacity_plan(options(*words), SCENARIO)


def test_callers_are_searched_by_the_scenarios_thresholds_unless_told_otherwise() -> None:
    found = plan()
    assert [str(slo) for slo in found.slos] == ["voice_to_voice_ms p50 < 700"]
    assert (found.search.first, found.search.most, found.search.whole) == (5.0, 1000.0, True)
    assert (found.most_users, found.open_load, found.seed) == (1000, False, 7)
    assert [str(slo) for slo in plan("--slo", "response_rate:rate>0.9").slos] == ["response_rate rate > 0.9"]


def test_calls_per_second_come_independently_of_each_other_unless_told_otherwise() -> None:
    found = plan("--open")
    assert (found.search.first, found.search.most, found.search.whole) == (0.2, 50.0, False)
    assert (found.open_load, found.arrivals, found.most_users) == (True, "poisson", 1000)
    even = plan("--open", "--arrivals", "constant", "--cap", "80")
    assert (even.arrivals, even.most_users) == ("constant", 80)


def test_options_of_an_open_search_are_refused_without_it() -> None:
    check_options(options())
    check_options(options("--open", "--arrivals", "constant", "--cap", "80"))
    for words in (("--arrivals", "poisson"), ("--cap", "1000")):
        with pytest.raises(UsageError, match=f"^{words[0]}: .*add --open$"):
            check_options(options(*words))


def test_without_slo_and_threshold_there_is_nothing_to_search_by() -> None:
    bare = SCENARIO.model_copy(update={"thresholds": ()})
    with pytest.raises(UsageError, match="needs at least one --slo, or thresholds in the scenario"):
        read_capacity_plan(options(), bare)
