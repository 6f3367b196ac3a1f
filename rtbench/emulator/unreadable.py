"""Messages that are no client event, and the errors that answer them."""

from __future__ import annotations

import re

from rtbench.core.server_events import MalformedEvent, UnknownEvent
from rtbench.emulator import refusal
from rtbench.emulator.refusal import Refusal

CLIENT_EVENT_TYPES = (
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
)

_MISSING_FIELD = re.compile(r"missing required field `([^`]+)`")
_WRONG_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `\$\.?([^`]*)`)?")
"""How msgspec, by which dialects read messages, names a field at fault."""


def unreadable(event: UnknownEvent | MalformedEvent) -> Refusal:
    """The documented error for a message whose type or shape is not the API's."""
    if isinstance(event, UnknownEvent):
        return refusal.unsupported_value("type", event.type, CLIENT_EVENT_TYPES)
    if event.reason.startswith("not JSON"):
        return Refusal(f"The event could not be parsed: {event.reason}.", code="invalid_json")
    if not event.type:
        return refusal.missing_parameter("type")
    return _wrong_field(event.type, event.reason)


def _wrong_field(event_type: str, reason: str) -> Refusal:
    missing, wrong = _MISSING_FIELD.search(reason), _WRONG_TYPE.search(reason)
    if missing:
        return refusal.missing_parameter(missing[1])
    if wrong and wrong[3]:
        expected, got, param = wrong.groups()
        message = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
        return Refusal(message, code="invalid_type", param=param)
    if event_type == "input_audio_buffer.append":
        return refusal.invalid_audio("audio")
    return Refusal(f"Invalid '{event_type}' event: {reason}.", code="invalid_value")
