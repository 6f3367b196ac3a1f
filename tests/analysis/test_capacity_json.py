"""The keys of `capacity.json`."""

from __future__ import annotations

import json
import math

from rtbench.analysis.capacity import CapacityResult, ReferenceWait
from rtbench.analysis.capacity_json import capacity_json
from rtbench.analysis.capacity_search import Found
from rtbench.analysis.planning import Traffic, plan_sessions
from rtbench.scenario.threshold import parse_threshold


def test_what_programs_read_is_there_and_is_json(make_step) -> None:
    result = CapacityResult(
        "support",
        "emulator",
        "websocket",
        False,
        (parse_threshold("voice_to_voice_ms:p95<800"),),
        Found("edge", 20.0, margin=1.0, edges=(20.0,), confirmed=True),
        (make_step(20, 700.0), make_step(22, math.inf)),
        (ReferenceWait(5, 480.0), ReferenceWait(0, None)),
    )
    plan = plan_sessions(Traffic(1200, 180.0), result)
    content = json.loads(json.dumps(capacity_json(result, plan), allow_nan=False))
    assert content["unit"] == "concurrent calls"
    assert content["capacity"]["level"] == 20.0
    assert content["capacity"]["edges"] == [20.0]
    assert content["first_to_break"] == {"level": 22.0, "slo": "voice_to_voice_ms p95 < 800", "actual": None}
    first, second = content["steps"]
    assert (first["judgement"], second["judgement"]) == ("holds", "breaks")
    assert first["slos"][0]["actual"] == 700.0
    assert second["slos"][0]["actual"] is None
    assert first["reference"] == {"n": 5, "median_ms": 480.0}
    assert content["plan"]["services_per_region"] == 4
    assert content["sentence"] == result.sentence


def test_without_plan_and_reference_they_are_null(make_step) -> None:
    result = CapacityResult(
        "support", "emulator", "websocket", True, (), Found("most", 2.0), (make_step(2, 700.0),), cap=80
    )
    content = capacity_json(result, None)
    assert content["plan"] is None
    assert content["cap"] == 80
    assert content["first_to_break"] is None
    assert content["steps"][0]["reference"] is None
