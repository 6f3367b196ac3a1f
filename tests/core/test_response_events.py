import dataclasses
import inspect
import re

import pytest

from rtbench.core import response_events
from rtbench.core.response_events import RESPONSE_EVENTS
from rtbench.core.server_events import SESSION_EVENTS, ServerEvent

WIRE_NAMES = {
    "response.created",
    "response.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
}


def wire_name(event: type) -> str:
    """The API's name of an event, with which its docstring opens."""
    match = re.match(r"`([a-z_.]+)`: \S", inspect.getdoc(event) or "")
    assert match, f"{event.__name__} does not open with the event's name"
    return match.group(1)


def test_there_is_one_class_for_each_event_about_responses() -> None:
    assert len(RESPONSE_EVENTS) == len(WIRE_NAMES)
    assert {wire_name(event) for event in RESPONSE_EVENTS} == WIRE_NAMES


def test_every_event_of_the_module_is_registered() -> None:
    there = {
        value
        for value in vars(response_events).values()
        if isinstance(value, type) and issubclass(value, ServerEvent) and value is not ServerEvent
    }

    assert there == set(RESPONSE_EVENTS)


def test_with_the_sessions_events_there_are_the_46_of_the_api() -> None:
    assert len(set(RESPONSE_EVENTS) | set(SESSION_EVENTS)) == 46


@pytest.mark.parametrize("event", RESPONSE_EVENTS)
def test_events_are_frozen_and_built_by_name(event) -> None:
    assert event.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(event))


@pytest.mark.parametrize(
    "event",
    [event for event in RESPONSE_EVENTS if event.__name__.endswith(("Delta", "TranscriptDone", "TextDone"))],
)
def test_what_is_said_names_its_response_and_its_item(event) -> None:
    names = {field.name for field in dataclasses.fields(event)}

    assert {"response_id", "item_id", "output_index"} <= names
