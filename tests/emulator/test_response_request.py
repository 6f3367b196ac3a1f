from __future__ import annotations

import pytest

from rtbench.core.audio import PCM16, PCMA
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.response_request import response_request
from rtbench.emulator.settings import Settings

SETTINGS = Settings.defaults(session_id="s", model="m", expires_at=0)
TOOL = {"type": "function", "name": "f"}


def test_a_turn_asks_for_what_the_session_says():
    request = response_request(SETTINGS)
    assert (request.modality, request.format, request.max_output_tokens) == ("audio", PCM16, None)
    assert request.in_conversation and request.function is None and request.metadata is None


def test_parameters_go_over_the_session_and_null_does_not():
    request = response_request(
        SETTINGS,
        {
            "output_modalities": ["text"],
            "max_output_tokens": 7,
            "instructions": None,
            "conversation": "none",
            "audio": {"output": {"format": {"type": "audio/pcma"}, "voice": "cedar"}},
        },
    )
    assert (request.modality, request.max_output_tokens, request.format) == ("text", 7, PCMA)
    assert (request.voice, request.in_conversation) == ("cedar", False)
    assert request.instructions == SETTINGS.json["instructions"]


def test_an_empty_input_is_not_the_conversation():
    assert response_request(SETTINGS, {"input": []}).input == []
    assert response_request(SETTINGS, {}).input is None


def test_a_custom_voice_is_shown_by_its_id():
    request = response_request(SETTINGS, {"audio": {"output": {"voice": {"id": "voice_1"}}}})
    assert request.json["audio"]["output"]["voice"] == "voice_1"


def test_a_tool_must_be_there_to_be_chosen():
    assert response_request(SETTINGS, {"tools": [TOOL], "tool_choice": "required"}).function == TOOL
    with pytest.raises(Refusal, match="Tool choice 'g' not found") as caught:
        response_request(SETTINGS, {"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}})
    assert caught.value.param == "response.tool_choice"
