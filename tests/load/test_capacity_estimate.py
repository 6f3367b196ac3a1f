"""What a search may come to, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.analysis.capacity_search import SearchPlan
from rtbench.load.capacity_estimate import estimate_search
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.load.reference import ReferenceCall
from rtbench.scenario.model import Scenario
from rtbench.scenario.threshold import parse_threshold

SCENARIO = Scenario.model_validate({"name": "a", "conversation": [{"say": "hours_question"}, "listen"]})


def test_the_estimate_of_a_search_goes_from_its_shortest_course_to_its_longest() -> None:
    """By hand: 10, 5, 2 and 1 callers for a step of 5 + 5 + 15 s each, none of which holds; or 10 for one of 180 s and
    a last one of 540 s."""
    slo = parse_threshold("voice_to_voice_ms:p95<800")
    plan = CapacityPlan((slo,), SearchPlan(10, 10, repeats=1), "a", "websocket", 10)
    assert str(estimate_search(SCENARIO, plan)).startswith("8 to 123 call minutes, about ")


def test_the_estimate_of_an_open_search_knows_the_cap_and_the_caller_beside_it(tmp_path: Path) -> None:
    """By hand: at a call per second 180 calls of three minutes are under way, of which 29 may be, and one beside. Where
    calls begin by themselves a load settles for 180 s at most, as long as a call."""
    slo = parse_threshold("voice_to_voice_ms:p95<800")
    search = SearchPlan(1, 1, repeats=1, whole=False)
    beside = ReferenceCall(tmp_path / "a.yaml", tmp_path, [])
    plan = CapacityPlan((slo,), search, "a", "websocket", 29, open_load=True, reference=beside)
    assert estimate_search(SCENARIO, plan).minutes == pytest.approx(
        30 * ((5 + 180 + 180) + (5 + 180 + 540)) / 60
    )


def test_where_calls_are_judged_a_load_may_take_as_long_to_settle_as_a_call() -> None:
    """By hand: ten callers for 5 + 180 + 180 s and for 5 + 180 + 540 s; a call is not longer than the longest step."""
    slo = parse_threshold("session_success_rate:rate>0.9")
    plan = CapacityPlan((slo,), SearchPlan(10, 10, repeats=1), "a", "websocket", 10)
    assert estimate_search(SCENARIO, plan).minutes == pytest.approx(10 * (365 + 725) / 60)
