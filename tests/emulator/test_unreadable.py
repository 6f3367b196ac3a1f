from __future__ import annotations

import json

import pytest

from rtbench.core.server_events import MalformedEvent, UnknownEvent
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.unreadable import unreadable


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        (b"[]", "missing_required_parameter", "type"),
        (b'{"event_id":"e"}', "missing_required_parameter", "type"),
        (b'{"type":"session.update"}', "missing_required_parameter", "session"),
        (b'{"type":"conversation.item.delete"}', "missing_required_parameter", "item_id"),
        (b'{"type":"conversation.item.delete","item_id":5}', "invalid_type", "item_id"),
        (b'{"type":"session.update","session":[]}', "invalid_type", "session"),
        (b'{"type":"input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        (b'{"type":"input_audio_buffer.append","audio":"?"}', "invalid_value", "audio"),
        (b'{"type":"input_audio_buffer.append","audio":5}', "invalid_value", "audio"),
        (b'{"type":"session.upgrade"}', "invalid_value", "type"),
    ],
)
def test_messages_that_are_no_event_get_the_documented_error(message, code, param):
    event = OPENAI_GA.server_codec().decode(message)
    assert isinstance(event, UnknownEvent | MalformedEvent)
    refused = unreadable(event)
    assert (refused.code, refused.param) == (code, param)


def test_an_unknown_type_is_answered_with_those_that_there_are():
    event = OPENAI_GA.server_codec().decode(json.dumps({"type": "response.begin"}))
    assert isinstance(event, UnknownEvent)
    assert (
        "Invalid value: 'response.begin'. Supported values are: 'session.update'" in unreadable(event).message
    )


def test_a_fault_of_another_kind_is_told_as_it_is():
    refused = unreadable(MalformedEvent(reason="odd", type="response.cancel"))
    assert (refused.code, refused.message) == ("invalid_value", "Invalid 'response.cancel' event: odd.")
