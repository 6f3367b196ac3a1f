"""The quick way through audio messages: their payload is cut out, not parsed.

Nearly all bytes of a session are base64 in one member of one kind of message. The scanner looks for
that member's name, takes the text between the next two quotes for its payload, and has the rest,
a few hundred bytes with a number in the payload's place, parsed. The parser is the judge: had the
quotes belonged to anything but that member, the rest would not be an object with only the members
of the event, the payload's a number. So the order of members and white space do not matter, and
whatever does not fit goes the general way.

The payload's characters are not looked at, only that none is escaped: `Audio.data` raises
ValueError where they turn out not to be base64.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Generic, TypeVar

import msgspec

from rtbench.core.audio import Audio

AudioEventT = TypeVar("AudioEventT")

TYPE_WITHIN_BYTES = 256
"""How far into a message its type is searched for: known servers write it first or just after the ids.
Beyond that a message is parsed the general way, so that a long one of another type is not read twice."""

_PLACEHOLDER = 0
_NO_AUDIO = Audio(b"")


class PayloadScanner(Generic[AudioEventT]):
    """Reads messages of one wire type whose member `payload` is audio; for an event class with that `Audio` field."""

    def __init__(self, wire_type: str, event: type[AudioEventT], payload: str) -> None:
        self._payload = payload
        self._type_text = b'"%b"' % wire_type.encode()
        self._member_text = b'"%b"' % payload.encode()
        self._check_members = msgspec.json.Decoder(_member_record(wire_type, event)).decode
        self._decode_rest = msgspec.json.Decoder(event, dec_hook=_expect_placeholder).decode

    def scan(self, message: bytes) -> AudioEventT | None:
        """The event, or None where the message is another one or needs the general way."""
        if message.find(self._type_text, 0, TYPE_WITHIN_BYTES) < 0:
            return None
        member = message.find(self._member_text)
        start = message.find(b'"', member + len(self._member_text)) + 1
        end = message.find(b'"', start)
        if member < 0 or start == 0 or end < 0:
            return None
        payload = message[start:end]
        if b"\\" in payload:
            return None
        rest = b"%b%d%b" % (message[: start - 1], _PLACEHOLDER, message[end + 1 :])
        try:
            self._check_members(rest)
            event = self._decode_rest(rest)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        # The event is frozen, and not yet anybody's: building it anew would cost more than all the rest.
        object.__setattr__(event, self._payload, Audio(base64=payload))
        return event


def _member_record(wire_type: str, event: type[Any]) -> type[msgspec.Struct]:
    """What a dataclass cannot ask of a message: this `type`, and no member besides the event's fields."""
    members: list[Any] = [(field.name, msgspec.Raw, msgspec.Raw()) for field in fields(event)]
    return msgspec.defstruct(
        f"{event.__name__}Members", members, tag_field="type", tag=wire_type, forbid_unknown_fields=True
    )


def _expect_placeholder(target: type[Any], value: object) -> Audio:
    if target is not Audio or value != _PLACEHOLDER:
        raise ValueError("the payload that was cut out is not the event's")
    return _NO_AUDIO
