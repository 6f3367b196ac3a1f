"""What a dialect is: one provider's JSON, to core events and back, for both ends of a connection.

A codec belongs to one connection and keeps the counts of what it did not understand. It never
raises on what the other side sent: an unknown type becomes `UnknownEvent`, anything else that is
wrong `MalformedEvent`. One thing is checked later: the client's codec leaves payloads of audio as
they came, so who first asks for an `Audio`'s `data` catches ValueError and makes the `MalformedEvent`;
the server's codec decodes each append, and so checks it itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from rtbench.core.audio import Audio
from rtbench.core.client_events import ClientEvent
from rtbench.core.server_events import MalformedEvent, ServerEvent, UnknownEvent


class ClientCodec(Protocol):
    """The caller's end: encodes client events, decodes server events."""

    unknown_fields: Counter[str]
    """Fields that the dialect does not know, by `event type.field`, as seen so far."""

    def encode(self, event: ClientEvent) -> bytes:
        """One event as a JSON message (UTF-8)."""

    def decode(self, message: str | bytes) -> ServerEvent:
        """One message as an event; never raises."""


class ServerCodec(Protocol):
    """The service's end: encodes server events (numbering those without `event_id`), decodes client events."""

    unknown_fields: Counter[str]

    def encode(self, event: ServerEvent) -> bytes:
        """One event as a JSON message (UTF-8)."""

    def decode(self, message: str | bytes) -> ClientEvent | UnknownEvent | MalformedEvent:
        """One message as an event; never raises."""


class Dialect(Protocol):
    """One provider's language."""

    name: str

    def client_codec(self) -> ClientCodec: ...

    def server_codec(self, event_prefix: str = "event_") -> ServerCodec:
        """A codec whose event ids begin with `event_prefix`; give each session its own where ids must not repeat."""

    def wire_type(self, event: ClientEvent | ServerEvent) -> str:
        """The `type` of an event's message. Raises KeyError for what the dialect has no message for."""

    def append_message(self, audio: Audio) -> bytes:
        """A whole `input_audio_buffer.append` message, to be encoded once per frame of a clip and shared."""

    def websocket_path(self, model: str) -> str:
        """Path and query of the WebSocket end point, from the API's base (`/v1`) on."""

    def sideband_path(self, call_id: str) -> str:
        """The same of the end point at which a WebSocket joins a WebRTC call."""

    def headers(self, key: str) -> dict[str, str]:
        """HTTP headers that carry the key, and what else the provider wants."""
