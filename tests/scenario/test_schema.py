"""The JSON schema: every field described, shipped scenarios valid by it, wrong ones not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rtbench.scenario.schema import scenario_schema
from rtbench.scenario.source import Source

jsonschema = pytest.importorskip("jsonschema")

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def blocks(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "scenario", schema
    yield from schema["$defs"].items()


def test_every_key_of_every_block_has_a_description() -> None:
    bare = [
        f"{block}.{key}"
        for block, schema in blocks(scenario_schema())
        for key, field in schema.get("properties", {}).items()
        if not field.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_scenario_is_valid_by_the_schema(path: Path, validator: Any) -> None:
    assert list(validator.iter_errors(Source.read(path).data)) == []


@pytest.mark.parametrize(
    "accepted",
    [
        {"think_time": "300 ms .. 900 ms"},
        {"think_time": "1.5 min"},
        {"duration": "1 h"},
        {"session": {"turn_detection": None}},
        {"session": {"turn_detection": "none"}},
        {"session": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
        {"session": {"voice": {"id": "v"}, "max_output_tokens": "inf"}},
        {"session": {"tools": [{"type": "mcp", "server_label": "a", "server_url": "b"}]}},
        {"conversation": ["listen", {"listen": None}, {"listen": {"timeout": "3 s"}}]},
        {"conversation": [{"say": {"any_of": ["a"]}}, {"say": {"role": "click"}}]},
        {"conversation": [{"repeat": {"times": 2, "steps": [{"choose": [{"steps": []}]}]}}]},
        {"conversation": ["interrupt", {"cough": None}, {"overlap": "a"}, {"stay_silent": "1 s .. 2 s"}]},
        {"conversation": [{"interrupt": {"role": "interruption", "heard": "1.5 s", "level": "-6 dB"}}]},
        {
            "conversation": [
                {"backchannel": {"silent": True}},
                {"push_to_talk": {"clip": "a", "after": "1 s"}},
            ]
        },
        {"policy": "passive"},
        {"network": {"preset": "congested", "loss_in_burst": "40 %", "queue": "100 ms"}},
        {"conversation": [{"network": "satellite"}, {"network": {"preset": "4g", "loss": "2%"}}]},
        {"conversation": [{"network": "none"}, {"network": None}, "listen"]},
        {"thresholds": {"yield_rate": {"rate": ">= 0.9"}, "barge_in_heard_stop_ms": {"p95": "< 500"}}},
        {"thresholds": {"voice_to_voice_ms": {"p99.9": "<= 3"}, "response_rate": {"rate": ">= 0.5"}}},
        {"emulator": {"anything": 1}},
    ],
)
def test_what_a_scenario_may_say_is_valid(accepted: dict[str, Any], validator: Any) -> None:
    assert list(validator.iter_errors({"name": "x", "conversation": ["listen"], **accepted})) == []


@pytest.mark.parametrize(
    "refused",
    [
        {"think_time": 500},
        {"think_time": "500 sec"},
        {"duration": "1 s .. 2 s"},
        {"usrs": 3},
        {"users": 0},
        {"name": "a b"},
        {"session": {"turn_detection": {"type": "vad"}}},
        {"session": {"turn_detection": "off"}},
        {"conversation": [{"sya": "a"}]},
        {"conversation": ["speak"]},
        {"conversation": [{"network": 5}]},
        {"conversation": [{"network": {"lost": 0.1}}]},
        {"conversation": [{"mumble": None}]},
        {"conversation": [{"mumble": {"clip": "a", "level": -6}}]},
        {"conversation": [{"interrupt": {"clip": "a", "fraction": 1}}]},
        {"conversation": [{"interrupt": {"clip": "a", "silent": True}}]},
        {"policy": "flush"},
        {"conversation": [{"say": {"role": "questoin"}}]},
        {"thresholds": {"voice_ms": {"p95": "< 3"}}},
        {"thresholds": {"voice_to_voice_ms": {"p95": "3"}}},
        {"thresholds": {"voice_to_voice_ms": {"p96": "< 3"}}},
    ],
)
def test_what_a_scenario_may_not_say_is_not_valid(refused: dict[str, Any], validator: Any) -> None:
    assert list(validator.iter_errors({"name": "x", "conversation": ["listen"], **refused}))
