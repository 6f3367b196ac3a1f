"""What a capacity search is to hold."""

from __future__ import annotations

import pytest

from rtbench.analysis.capacity_search import SearchPlan
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.scenario.threshold import parse_threshold


@pytest.mark.parametrize(
    ("slos", "open_load", "sees"),
    [
        (("voice_to_voice_ms:p95<800",), False, False),
        (("voice_to_voice_ms:p95<800", "session_success_rate:rate>0.9"), False, True),
        (("voice_to_voice_ms:p95<800",), True, True),  # there calls begin by themselves
    ],
)
def test_whole_calls_are_waited_for_where_they_are_judged(
    slos: tuple[str, ...], open_load: bool, sees: bool
) -> None:
    plan = CapacityPlan(
        tuple(map(parse_threshold, slos)), SearchPlan(1, 10), "a", "websocket", 10, open_load=open_load
    )
    assert plan.sees_sessions is sees
