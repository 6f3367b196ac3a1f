"""Turn detection: the API's fields and ranges, and manual turns."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.scenario.turn_detection import SemanticVad, ServerVad, TurnDetection

ADAPTER: TypeAdapter[Any] = TypeAdapter(TurnDetection)


def test_server_vad_takes_every_field_of_the_api() -> None:
    written = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": 6000,
        "create_response": True,
        "interrupt_response": False,
    }
    detection = ADAPTER.validate_python(written)
    assert isinstance(detection, ServerVad)
    assert detection.model_dump(exclude_unset=True) == written


def test_semantic_vad_takes_every_field_of_the_api() -> None:
    written = {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": True,
        "interrupt_response": True,
    }
    detection = ADAPTER.validate_python(written)
    assert isinstance(detection, SemanticVad)
    assert detection.model_dump(exclude_unset=True) == written


@pytest.mark.parametrize("written", [None, "none"])
def test_none_is_for_turns_by_hand(written: object) -> None:
    assert ADAPTER.validate_python(written) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.5},
        {"type": "vad"},
        {"type": "server_vad", "threshold": 1.1},
        {"type": "server_vad", "silence_duration_ms": "500 ms"},
        {"type": "server_vad", "idle_timeout_ms": 4999},
        {"type": "server_vad", "idle_timeout_ms": 30_001},
        {"type": "server_vad", "eagerness": "low"},
        {"type": "semantic_vad", "threshold": 0.5},
        {"type": "semantic_vad", "eagerness": "eager"},
        "off",
        False,
    ],
)
def test_what_the_api_does_not_take_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(wrong)
