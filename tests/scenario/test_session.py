"""The session block: every field of the API can be set, and only what is set is sent."""

from typing import Any, get_type_hints

import pytest
from openai.types.realtime import realtime_audio_config_input_param as input_types
from openai.types.realtime import realtime_audio_config_output_param as output_types
from openai.types.realtime import realtime_session_create_request_param as session_types
from pydantic import TypeAdapter, ValidationError

from rtbench.core.audio import PCM16, PCMA, PCMU
from rtbench.scenario.session import Session

EVERYTHING: dict[str, Any] = {
    "instructions": "Be brief.",
    "output_modalities": ["audio"],
    "max_output_tokens": 512,
    "voice": "marin",
    "speed": 1.25,
    "turn_detection": {"type": "semantic_vad", "eagerness": "high"},
    "input_format": "audio/pcmu",
    "output_format": "audio/pcm",
    "transcription": {
        "model": "gpt-4o-mini-transcribe",
        "language": "en",
        "languages": ["en"],
        "prompt": "A shop.",
        "keywords": ["parcel"],
        "delay": "low",
    },
    "noise_reduction": {"type": "near_field", "strength": 0.5},
    "tools": [{"type": "function", "name": "lookup"}],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Leith"}},
    "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}},
    "truncation": {
        "type": "retention_ratio",
        "retention_ratio": 0.8,
        "token_limits": {"post_instructions": 5000},
    },
    "include": ["item.input_audio_transcription.logprobs"],
}


def settings(**written: Any) -> Any:
    return Session.model_validate(written).config().settings


def test_nothing_but_the_type_is_sent_where_nothing_is_set() -> None:
    assert settings() == {"type": "realtime"}


def test_the_model_is_chosen_by_connecting_and_not_sent() -> None:
    session = Session.model_validate({"model": "gpt-realtime-2"})
    assert session.model == "gpt-realtime-2"
    assert session.config().settings == {"type": "realtime"}


def test_every_field_goes_where_the_api_keeps_it() -> None:
    kept_by_name = {
        name: EVERYTHING[name]
        for name in EVERYTHING
        if name
        not in {
            "voice",
            "speed",
            "turn_detection",
            "input_format",
            "output_format",
            "transcription",
            "noise_reduction",
        }
    }
    assert settings(**EVERYTHING) == {
        "type": "realtime",
        **kept_by_name,
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "noise_reduction": EVERYTHING["noise_reduction"],
                "transcription": EVERYTHING["transcription"],
                "turn_detection": EVERYTHING["turn_detection"],
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin", "speed": 1.25},
        },
    }


def test_every_field_of_the_openai_package_s_session_can_be_set() -> None:
    sent = settings(**EVERYTHING)
    session = session_types.RealtimeSessionCreateRequestParam.__annotations__
    assert set(sent) == set(session) - {"model"}
    assert set(sent["audio"]["input"]) == set(get_type_hints(input_types.RealtimeAudioConfigInputParam))
    assert set(sent["audio"]["output"]) == set(get_type_hints(output_types.RealtimeAudioConfigOutputParam))


def test_what_is_sent_is_a_session_by_the_openai_package_s_types() -> None:
    adapter = TypeAdapter(session_types.RealtimeSessionCreateRequestParam)
    sent = settings(**EVERYTHING)
    assert adapter.validate_python(sent)["audio"]["output"]["voice"] == "marin"


@pytest.mark.parametrize("name", ["turn_detection", "transcription", "noise_reduction"])
def test_null_is_sent_as_null(name: str) -> None:
    assert settings(**{name: None}) == {"type": "realtime", "audio": {"input": {name: None}}}


@pytest.mark.parametrize(
    ("written", "manual"),
    [
        ({}, False),
        ({"turn_detection": None}, True),
        ({"turn_detection": "none"}, True),
        ({"turn_detection": {"type": "server_vad"}}, False),
    ],
)
def test_turns_are_by_hand_only_where_turn_detection_is_switched_off(
    written: dict[str, Any], manual: bool
) -> None:
    assert Session.model_validate(written).config().manual_turns is manual


@pytest.mark.parametrize(
    ("written", "by_itself"),
    [
        ({}, True),
        ({"turn_detection": {"type": "server_vad"}}, True),
        ({"turn_detection": {"type": "server_vad", "interrupt_response": True}}, True),
        ({"turn_detection": {"type": "server_vad", "interrupt_response": False}}, False),
        ({"turn_detection": {"type": "semantic_vad", "interrupt_response": False}}, False),
        ({"turn_detection": None}, False),
    ],
)
def test_the_service_interrupts_by_itself_unless_told_otherwise(
    written: dict[str, Any], by_itself: bool
) -> None:
    assert Session.model_validate(written).config().interrupts_by_itself is by_itself


def test_formats_are_known_to_the_caller_too() -> None:
    default = Session().config()
    assert (default.input_format, default.output_format) == (PCM16, PCM16)
    g711 = Session(input_format="audio/pcmu", output_format="audio/pcma").config()
    assert (g711.input_format, g711.output_format) == (PCMU, PCMA)


def test_answers_are_spoken_unless_the_modality_is_text() -> None:
    assert Session().config().spoken_answers
    assert Session(output_modalities=["audio"]).config().spoken_answers
    assert not Session(output_modalities=["text"]).config().spoken_answers


@pytest.mark.parametrize("tokens", [1, 4096, "inf"])
def test_output_tokens_have_the_api_s_range(tokens: object) -> None:
    assert settings(max_output_tokens=tokens)["max_output_tokens"] == tokens


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_output_tokens": 0},
        {"max_output_tokens": 4097},
        {"max_output_tokens": "all"},
        {"max_output_tokens": True},
        {"output_modalities": ["audio", "text"]},
        {"output_modalities": []},
        {"speed": 1.6},
        {"speed": 0.2},
        {"voice": 3},
        {"voice": {"name": "x"}},
        {"input_format": "pcm16"},
        {"temperature": 0.8},
        {"model": ""},
        {"truncation": "never"},
        {"truncation": {"type": "retention_ratio", "retention_ratio": 1.5}},
    ],
)
def test_what_the_api_does_not_take_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Session.model_validate(wrong)


def test_a_voice_may_be_a_custom_one() -> None:
    assert settings(voice={"id": "voice_1"})["audio"]["output"] == {"voice": {"id": "voice_1"}}
