from __future__ import annotations

import pytest

from rtbench.emulator import parameters
from rtbench.emulator.refusal import Refusal

MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}


def refused(check, value) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as caught:
        check(value, "p")
    return caught.value.code, caught.value.param


@pytest.mark.parametrize(
    "item",
    [
        MESSAGE,
        {**MESSAGE, "id": "item_1", "status": "completed", "object": "realtime.item"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]},
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True},
    ],
)
def test_items_of_the_api_are_accepted(item):
    parameters.ITEM(item, "item")


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ({"type": "message", "content": []}, ("missing_required_parameter", "p.role")),
        ({"type": "message", "role": "user"}, ("missing_required_parameter", "p.content")),
        ({"type": "message", "role": "tool", "content": []}, ("invalid_value", "p.role")),
        (
            {"type": "message", "role": "system", "content": [{"type": "output_text", "text": "x"}]},
            ("invalid_value", "p.content[0].type"),
        ),
        ({"type": "function_call", "name": "f"}, ("missing_required_parameter", "p.arguments")),
    ],
)
def test_others_are_refused(item, fault):
    assert refused(parameters.ITEM, item) == fault


def test_a_session_takes_all_that_the_api_documents():
    parameters.SESSION(
        {
            "type": "realtime",
            "tracing": {"workflow_name": "w"},
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
            "tools": [{"type": "mcp", "server_label": "s", "server_url": "https://example.org"}],
            "tool_choice": {"type": "function", "name": "f"},
            "reasoning": {"effort": "low"},
            "prompt": {"id": "pmpt_1", "variables": {"a": "b"}},
            "include": ["item.input_audio_transcription.logprobs"],
            "audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}},
        },
        "session",
    )


def test_metadata_is_bounded_as_documented():
    parameters.RESPONSE({"metadata": {f"k{n}": "v" * 512 for n in range(16)}}, "p")
    assert refused(parameters.RESPONSE, {"metadata": {"k": "v" * 513}})[0] == "string_above_max_length"
    assert refused(parameters.RESPONSE, {"metadata": {"k" * 65: ""}})[0] == "string_above_max_length"
    assert refused(parameters.RESPONSE, {"metadata": {str(n): "" for n in range(17)}})[1] == "p.metadata"


def test_a_response_may_refer_to_items():
    parameters.RESPONSE({"input": [{"type": "item_reference", "id": "item_1"}, MESSAGE]}, "p")
    fault = refused(parameters.RESPONSE, {"input": [{"type": "item_reference"}]})
    assert fault == ("missing_required_parameter", "p.input[0].id")
