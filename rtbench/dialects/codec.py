"""Codecs over wire tables: JSON messages to events and back, for either end of a connection.

Decoding never raises on what the other side sent. Audio payloads are not decoded on the caller's
end: who asks for `Audio.data` meets a ValueError where a payload is not base64. The service's end
needs every sample, so there an append with a bad payload is a `MalformedEvent` at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Generic

import msgspec

from rtbench.core.audio import Audio
from rtbench.core.client_events import ClientEvent, InputAudioAppend
from rtbench.core.server_events import MalformedEvent, ServerEvent, UnknownEvent
from rtbench.dialects.payload import PayloadScanner
from rtbench.dialects.wire import EventT, WireTable, WireType

EXCERPT_CHARS = 200
"""How much of a malformed message is kept: enough to recognise it, too little to fill a trace with audio."""


class Reader(Generic[EventT]):
    """Turns messages of one direction into events, and counts the members that it does not know."""

    def __init__(self, table: WireTable[EventT], scanner: PayloadScanner[EventT] | None = None) -> None:
        self.unknown_fields: Counter[str] = Counter()
        self._table = table
        self._scan = scanner.scan if scanner else _scan_nothing

    def read(self, message: str | bytes) -> EventT | UnknownEvent | MalformedEvent:
        """One message as an event; never raises."""
        try:
            data = message.encode() if isinstance(message, str) else message
            event = self._scan(data)
            if event is not None:
                return event
            members = msgspec.json.decode(data)
        except (msgspec.MsgspecError, ValueError) as error:
            return _malformed(message, f"not JSON: {error}")
        except RecursionError:
            return _malformed(message, "not JSON: nested too deeply")
        if not isinstance(members, dict):
            return _malformed(message, "not a JSON object")
        name = members.get("type")
        if not isinstance(name, str):
            return _malformed(message, "`type` is missing or not a string", members)
        row = self._table.named(name)
        return _unknown(name, members) if row is None else self._event(row, members, message)

    def _event(
        self, row: WireType[EventT], members: dict[str, Any], message: str | bytes
    ) -> EventT | MalformedEvent:
        for field in self._table.unknown_fields(row.name, members):
            self.unknown_fields[f"{row.name}.{field}"] += 1
        try:
            return msgspec.convert(members, row.event, dec_hook=_audio_from_text)
        except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
            return _malformed(message, str(error), members)


class JsonClientCodec:
    """The caller's end of a dialect (see `ClientCodec`)."""

    def __init__(
        self,
        client_table: WireTable[ClientEvent],
        server_table: WireTable[ServerEvent],
        scanner: PayloadScanner[ServerEvent] | None = None,
    ) -> None:
        self._client_table = client_table
        self._reader = Reader(server_table, scanner)
        self.unknown_fields = self._reader.unknown_fields

    def encode(self, event: ClientEvent) -> bytes:
        """One event as a JSON message; raises TypeError for a class that the dialect does not send."""
        return _ENCODER.encode(self._client_table.members(event, event.event_id))

    def decode(self, message: str | bytes) -> ServerEvent:
        """One message as an event; never raises. Payloads of audio stay as they came, unchecked."""
        return self._reader.read(message)


class JsonServerCodec:
    """The service's end of a dialect (see `ServerCodec`); event ids are `event_prefix` and a count from 1."""

    def __init__(
        self,
        client_table: WireTable[ClientEvent],
        server_table: WireTable[ServerEvent],
        scanner: PayloadScanner[ClientEvent] | None = None,
        *,
        event_prefix: str,
    ) -> None:
        self._client_table = client_table
        self._server_table = server_table
        self._reader = Reader(client_table, scanner)
        self.unknown_fields = self._reader.unknown_fields
        self._event_prefix = event_prefix
        self._numbered = 0

    def encode(self, event: ServerEvent) -> bytes:
        """One event as a JSON message; raises TypeError for a class that the dialect does not send.

        An `UnknownEvent` is sent as it is, its payload's members above all others: faults need messages
        that no event class can express.
        """
        event_id = event.event_id or self._next_event_id()
        if isinstance(event, UnknownEvent):
            return _ENCODER.encode({"type": event.type, "event_id": event_id, **event.payload})
        return _ENCODER.encode(self._server_table.members(event, event_id))

    def decode(self, message: str | bytes) -> ClientEvent | UnknownEvent | MalformedEvent:
        """One message as an event; never raises. Payloads of audio are decoded, and so checked."""
        event = self._reader.read(message)
        if isinstance(event, InputAudioAppend):
            try:
                _ = event.audio.data
            except ValueError:
                members = self._client_table.members(event, event.event_id)
                return _malformed(message, "`audio` is not valid base64", members)
        return event

    def _next_event_id(self) -> str:
        self._numbered += 1
        return f"{self._event_prefix}{self._numbered}"


def _unknown(name: str, members: dict[str, Any]) -> UnknownEvent:
    rest = {key: value for key, value in members.items() if key != "type"}
    event_id = rest.pop("event_id") if isinstance(rest.get("event_id"), str) else ""
    return UnknownEvent(type=name, event_id=event_id, payload=rest)


def _malformed(message: str | bytes, reason: str, members: Mapping[str, Any] | None = None) -> MalformedEvent:
    """What is known about a bad message. `event_id` is the sender's: a server answers with it in its error."""
    start = message[:EXCERPT_CHARS]
    data = start.encode(errors="replace") if isinstance(start, str) else start
    known = {key: value for key, value in (members or {}).items() if isinstance(value, str)}
    return MalformedEvent(
        reason=reason,
        type=known.get("type", ""),
        event_id=known.get("event_id", ""),
        payload=data.decode(errors="replace"),
    )


def _scan_nothing(message: bytes) -> None:
    """The scan of a direction without audio."""


def _audio_from_text(target: type[Any], value: object) -> Audio:
    if target is not Audio or not isinstance(value, str) or not value.isascii():
        raise ValueError("expected audio as base64 text")
    return Audio(base64=value)


def _to_json(value: object) -> object:
    """Objects that JSON lacks: payloads go in as they are, since base64 has nothing to escape."""
    if isinstance(value, Audio):
        return msgspec.Raw(b'"%b"' % value.base64)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON message")


_ENCODER = msgspec.json.Encoder(enc_hook=_to_json)
