import json
from typing import Any

import pytest

from rtbench.analysis.summary_json import SUMMARY_VERSION, summary_json

STIMULI = [
    *[{"session": f"s{n % 10}", "yielded": 1.0, "barge_in_heard_stop_ms": 200.0 + n} for n in range(19)],
    {"session": "s9", "number": 4, "turn": 2, "yielded": 0.0, "barge_in_heard_stop_ms": 5000.0},
    {"session": "s9", "kind": "cough", "false_interruption": 1.0},
    {"session": "s9", "void": True},
]


@pytest.fixture(scope="module")
def content(summarised) -> dict[str, Any]:
    return summary_json(summarised())


@pytest.fixture(scope="module")
def turn_taking(summarised) -> dict[str, Any]:
    return json.loads(json.dumps(summary_json(summarised(stimuli=STIMULI)), allow_nan=False))["turn_taking"]


def test_summary_json_has_the_documented_keys(content: dict[str, Any]) -> None:
    assert list(content) == [
        "summary_version", "metric_version", "run", "verdict", "exit_code", "sentence", "thresholds",
        "baseline", "metrics", "rates", "latency_budget", "outcomes",
        "errors", "generator", "emulator", "error_bar", "measurement_error", "turn_taking", "network", "reliability",
        "cost", "sound", "worst_turns",
    ]  # fmt: skip
    assert content["summary_version"] == SUMMARY_VERSION
    headline = content["metrics"][0]
    assert list(headline) == [
        "name",
        "unit",
        "group",
        "n",
        "unanswered",
        "mean",
        "min",
        "max",
        "p50",
        "p95",
        "p99",
    ]
    assert list(headline["p50"]) == ["n", "value", "low", "high", "above", "needed"]


def test_the_latency_budget_stands_beside_what_was_taken(summarised) -> None:
    parts = json.loads(json.dumps(summary_json(summarised()), allow_nan=False))["latency_budget"]
    assert [(part["name"], part["limit_ms"]) for part in parts] == [
        ("audio input", 50.0),
        ("model", 500.0),
        ("audio output", 50.0),
        ("speech to speech", 800.0),
    ]
    whole = parts[-1]
    assert (whole["metric"], whole["group"], whole["n"]) == ("voice_to_voice_ms", "without_tool", 100)
    assert (whole["unanswered"], whole["within"]["value"]) == (3, 0.97)
    assert whole["p95"]["value"] == 594.0


def test_summary_json_is_strict_json_although_turns_were_never_answered(content: dict[str, Any]) -> None:
    headline = json.loads(json.dumps(content, allow_nan=False))["metrics"][0]
    assert (headline["n"], headline["unanswered"], headline["mean"]) == (100, 3, None)
    assert headline["p95"]["value"] == 594.0
    assert headline["p99"] == {
        "n": 100,
        "value": None,
        "low": None,
        "high": None,
        "above": None,
        "needed": 299,
    }


def test_a_percentile_among_unanswered_turns_tells_what_it_lies_above(summarised, make_turns) -> None:
    silent = {"outcome": "no_answer", "closed_ns": 15_000_000_000}
    turns = make_turns(*[{"voice_to_voice_ms": 500.0}] * 40, *[silent] * 60)
    p50 = summary_json(summarised(turns))["metrics"][0]["p50"]
    assert (p50["value"], p50["above"]) == (None, 15_000.0)


def test_a_run_in_which_nobody_spoke_into_an_answer_has_no_turn_taking(content: dict[str, Any]) -> None:
    assert content["turn_taking"] is None


def test_turn_taking_has_the_documented_keys(turn_taking: dict[str, Any]) -> None:
    found = turn_taking
    assert list(found) == [
        "stimuli", "void_stimuli", "rates", "false_interruptions", "conversation_flow", "metrics",
        "measurement_errors", "worst",
    ]  # fmt: skip
    assert (found["stimuli"], found["void_stimuli"]) == ({"interrupt": 20, "cough": 1}, 1)
    assert found["rates"][0]["name"] == "yield_rate"
    assert (found["rates"][0]["n"], found["rates"][0]["value"]) == (20, 0.95)
    assert found["false_interruptions"] == [
        {"stimulus": "cough", "n": 1, "value": None, "low": None, "high": None}
    ]
    assert found["worst"][0] == {
        "session": "s9", "stimulus": 4, "turn": 2, "kind": "interrupt", "clip": "c", "yielded": False,
        "barge_in_heard_stop_ms": 5000.0,
    }  # fmt: skip


def test_the_conversation_flow_is_told_from_0_to_100_with_its_parts(turn_taking: dict[str, Any]) -> None:
    flow = turn_taking["conversation_flow"]
    assert [(part["name"], part["right"], part["eligible"]) for part in flow["parts"]] == [
        ("answered in time", 97, 100),
        ("yielded to interruptions", 19, 20),
        ("ignored disturbances", 0, 1),
        ("did not cut in", 100, 100),
    ]
    assert flow["n"] == 221
    assert flow["value"] == 100 * 216 / 221
    assert flow["low"] < flow["value"] < flow["high"] <= 100
