import dataclasses
import inspect
import re

import pytest

from rtbench.core import client_events
from rtbench.core.audio import Audio
from rtbench.core.client_events import (
    CLIENT_EVENTS,
    ClientEvent,
    InputAudioAppend,
    ItemTruncate,
    ResponseCreate,
)

WIRE_NAMES = {
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "output_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "response.create",
    "response.cancel",
}


def wire_name(event: type) -> str:
    """The API's name of an event, with which its docstring opens."""
    match = re.match(r"`([a-z_.]+)`: \S", inspect.getdoc(event) or "")
    assert match, f"{event.__name__} does not open with the event's name"
    return match.group(1)


def test_there_is_one_class_for_each_of_the_eleven_events() -> None:
    assert len(CLIENT_EVENTS) == len(WIRE_NAMES) == 11
    assert {wire_name(event) for event in CLIENT_EVENTS} == WIRE_NAMES


def test_every_event_of_the_module_is_registered() -> None:
    there = {
        value
        for value in vars(client_events).values()
        if isinstance(value, type) and issubclass(value, ClientEvent) and value is not ClientEvent
    }

    assert there == set(CLIENT_EVENTS)


@pytest.mark.parametrize("event", CLIENT_EVENTS)
def test_events_are_frozen_and_built_by_name(event) -> None:
    assert event.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(event))
    assert "__dict__" not in dir(event.__new__(event))


def test_an_event_has_no_id_unless_it_was_given_one() -> None:
    assert ResponseCreate().event_id is None
    assert ResponseCreate(event_id="e").event_id == "e"


def test_events_are_equal_by_value() -> None:
    assert InputAudioAppend(audio=Audio(b"ab")) == InputAudioAppend(audio=Audio(base64="YWI="))
    assert ItemTruncate(item_id="i", content_index=0, audio_end_ms=5) != ItemTruncate(
        item_id="i", content_index=0, audio_end_ms=6
    )
