"""The oracle must be able to say no."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

USER_ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
ADDED = {"type": "conversation.item.added", "event_id": "e", "previous_item_id": None, "item": USER_ITEM}
SESSION = {"type": "realtime", "id": "sess_1", "object": "realtime.session", "expires_at": 1, "tools": []}
CREATED = {"type": "session.created", "event_id": "e", "session": SESSION}
COMPLETED = {
    "type": "conversation.item.input_audio_transcription.completed",
    "event_id": "e",
    "item_id": "i",
    "content_index": 0,
    "transcript": "Hi.",
    "usage": {"type": "duration", "seconds": 2},
}


@pytest.mark.parametrize("message", [ADDED, CREATED, COMPLETED])
def test_declared_message_becomes_its_model(openai_strict: ModuleType, message: dict[str, Any]):
    assert openai_strict.parse_server_event(message).type == message["type"]


@pytest.mark.parametrize(
    ("message", "mistake"),
    [
        (ADDED | {"extra": 1}, r"conversation\.item\.added\.extra: unknown field"),
        (ADDED | {"item": USER_ITEM | {"mood": 1}}, r"\.item\.mood: unknown field"),
        (
            ADDED | {"item": USER_ITEM | {"content": [{"type": "input_text", "tex": ""}]}},
            r"\.item\.content\[0\]\.tex: unknown field",
        ),
        (ADDED | {"item": USER_ITEM | {"content": {}}}, r"\.item\.content: \{\} is not an array"),
        (ADDED | {"item": USER_ITEM | {"status": "done"}}, r"\.item\.status: 'done'"),
        (ADDED | {"event_id": None}, r"\.event_id: None is not str"),
        ({"type": "conversation.item.added", "event_id": "e"}, r"\.item: missing field"),
        ({"type": "conversation.item.added", "item": USER_ITEM}, r"\.event_id: missing field"),
        (COMPLETED | {"content_index": True}, r"\.content_index: True is not int"),
        (COMPLETED | {"content_index": 0.5}, r"\.content_index: 0\.5 is not int"),
        (COMPLETED | {"usage": {"type": "duration"}}, r"\.usage\.seconds: missing field"),
        (COMPLETED | {"usage": []}, r"\.usage: \[\] is not an object"),
        (CREATED | {"session": SESSION | {"temperature": 0.8}}, r"\.session\.temperature: unknown field"),
        (CREATED | {"session": SESSION | {"id": 5}}, r"session\.id: 5 is not str"),
        (CREATED | {"session": {"type": "realtime", "id": "s"}}, r"session\.object: missing field"),
        (CREATED | {"session": SESSION | {"type": "other"}}, r"session\.type: 'other' is unknown"),
        ({"type": "response.audio.delta"}, r"type: 'response\.audio\.delta' is unknown"),
        ({}, r"type: None is unknown"),
    ],
)
def test_undeclared_message_is_refused_with_its_path(
    openai_strict: ModuleType, message: dict[str, Any], mistake: str
):
    with pytest.raises(AssertionError, match=mistake):
        openai_strict.parse_server_event(message)


def test_response_input_may_refer_to_items(openai_strict: ModuleType):
    message = {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "item_1"}]}}
    assert openai_strict.parse_client_event(message).type == "response.create"


@pytest.mark.parametrize(
    ("message", "mistake"),
    [
        ({"type": "response.create", "response": {"modalities": ["text"]}}, r"\.modalities: unknown field"),
        ({"type": "conversation.item.delete"}, r"\.item_id: missing field"),
        ({"type": "session.update", "session": {}}, r"\.session\.type: missing field"),
    ],
)
def test_undeclared_client_message_is_refused_with_its_path(
    openai_strict: ModuleType, message: dict[str, Any], mistake: str
):
    with pytest.raises(AssertionError, match=mistake):
        openai_strict.parse_client_event(message)
