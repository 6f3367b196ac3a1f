import json
from dataclasses import replace

import pytest

from rtbench.analysis.delivery import Delivery
from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.sweep import PointResult, SweepPoint, measure_point
from rtbench.analysis.sweep_json import SWEEP_VERSION, sweep_json
from rtbench.analysis.turn_taking import ConversationFlow, FlowPart
from rtbench.analysis.verdict import Level

INF = float("inf")


@pytest.fixture
def result() -> PointResult:
    p50, p95 = Quantile(0.5, 80, 210.0, 200.0, 220.0), Quantile(0.95, 80, INF, 900.0, INF)
    metric = MetricSummary("voice_to_voice_ms", "ms", "turns", 80, 8, 15_000.0, INF, 1.0, INF, p50, p95, p95)
    flow = ConversationFlow(Rate(160, 0.95, 0.9, 0.98), (FlowPart("answered in time", 72, 80),))
    rate = Rate(40, 0.25, 0.14, 0.4)
    return PointResult(
        SweepPoint(1, {"a.b": 200}), "01/run", 2, Level.VALID, 80, metric, metric, rate, rate, rate, flow
    )


def test_it_has_the_documented_keys_and_is_strict_json(result: PointResult) -> None:
    content = json.loads(json.dumps(sweep_json("vad", "vad.yaml", 3, [result]), allow_nan=False))
    assert list(content) == ["sweep_version", "scenario", "planned", "points", "frontier"]
    assert (content["sweep_version"], content["planned"], content["frontier"]) == (SWEEP_VERSION, 3, [1])
    (point,) = content["points"]
    assert list(point) == [
        "number", "label", "settings", "run", "exit_code", "verdict", "turns", "dead_air_ms", "voice_to_voice_ms",
        "false_cutoff_rate", "cut_in_rate", "response_rate", "conversation_flow", "delivery",
    ]  # fmt: skip
    assert (point["settings"], point["run"], point["verdict"]) == ({"a.b": 200}, "01/run", "VALID")
    assert point["false_cutoff_rate"] == {"n": 40, "value": 0.25, "low": 0.14, "high": 0.4}
    assert point["conversation_flow"]["value"] == 95.0


def test_how_the_audio_came_is_told_where_it_is_known(result: PointResult) -> None:
    assert result.voice_to_voice is not None
    times = [result.voice_to_voice] * 4
    told = replace(result, delivery=Delivery(*times, 27.0, 19.5, 1.25, 0.01, 4.2))
    (unknown,), (point,) = (sweep_json("x", "x.yaml", 1, [each])["points"] for each in (result, told))
    assert unknown["delivery"] is None
    assert list(point["delivery"]) == [
        *("connect_ms", "playout_wait_ms", "min_prebuffer_ms", "underrun_ms", "kbit_per_s_sent"),
        *("kbit_per_s_received", "cpu_ms_per_session_second", "packet_loss", "mos"),
    ]
    assert point["delivery"]["min_prebuffer_ms"]["p50"]["value"] == 210.0
    assert (point["delivery"]["packet_loss"], point["delivery"]["mos"]) == (0.01, 4.2)


def test_a_percentile_among_unanswered_turns_tells_what_it_lies_above(result: PointResult) -> None:
    (point,) = sweep_json("vad", "vad.yaml", 1, [result])["points"]
    assert point["voice_to_voice_ms"]["p95"]["value"] is None
    assert point["voice_to_voice_ms"]["p95"]["above"] == 15_000.0


def test_of_a_point_without_a_run_what_is_not_known_is_null() -> None:
    never = measure_point(SweepPoint(2, {"a.b": 1}), "", 5, None)
    content = sweep_json("vad", "vad.yaml", 2, [never])
    (point,) = content["points"]
    assert (point["run"], point["verdict"], point["exit_code"], point["dead_air_ms"]) == (None, None, 5, None)
    assert content["frontier"] == []
