import dataclasses
import inspect
import re

import pytest

from rtbench.core import server_events
from rtbench.core.server_events import (
    SESSION_EVENTS,
    ErrorDetail,
    ErrorReceived,
    MalformedEvent,
    ServerEvent,
    UnknownEvent,
)

WIRE_NAMES = {
    "error",
    "session.created",
    "session.updated",
    "rate_limits.updated",
    "conversation.created",
    "conversation.item.created",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.deleted",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "input_audio_buffer.dtmf_event_received",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "output_audio_buffer.cleared",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
}


def wire_name(event: type) -> str:
    """The API's name of an event, with which its docstring opens."""
    match = re.match(r"`([a-z_.]+)`: \S", inspect.getdoc(event) or "")
    assert match, f"{event.__name__} does not open with the event's name"
    return match.group(1)


def test_there_is_one_class_for_each_event_about_session_conversation_and_input() -> None:
    assert len(SESSION_EVENTS) == len(WIRE_NAMES)
    assert {wire_name(event) for event in SESSION_EVENTS} == WIRE_NAMES


def test_every_event_of_the_module_is_registered_but_those_that_are_none_of_the_apis() -> None:
    there = {
        value
        for value in vars(server_events).values()
        if isinstance(value, type) and issubclass(value, ServerEvent)
    }

    assert there - set(SESSION_EVENTS) == {ServerEvent, UnknownEvent, MalformedEvent}
    assert set(SESSION_EVENTS) <= there


@pytest.mark.parametrize("event", [*SESSION_EVENTS, UnknownEvent, MalformedEvent])
def test_events_are_frozen_and_built_by_name(event) -> None:
    assert event.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(event))


def test_unknown_events_share_no_payload() -> None:
    first, second = UnknownEvent(type="ping"), UnknownEvent(type="ping")

    assert first == second
    assert first.payload is not second.payload


def test_an_error_needs_a_type_and_a_message_only() -> None:
    event = ErrorReceived(error=ErrorDetail(type="server_error", message="It broke."))

    assert (event.error.code, event.error.param, event.error.event_id, event.event_id) == (
        None,
        None,
        None,
        "",
    )
