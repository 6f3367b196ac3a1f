"""Client events of the Realtime API, provider-neutral: what a caller sends.

Names follow OpenAI's event names; configuration, items and response parameters are kept as the
JSON objects of the GA API (`Json`), which serve as the neutral shape: other dialects translate
into it. `event_id` comes back in `error.event_id` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.core.audio import Audio

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvent:
    """Base of all client events."""

    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdate(ClientEvent):
    """`session.update`: merge these settings into the session; `""`, `[]` and null clear."""

    session: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAudioAppend(ClientEvent):
    """`input_audio_buffer.append`: more microphone audio; has no answer."""

    audio: Audio


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAudioCommit(ClientEvent):
    """`input_audio_buffer.commit`: end the user's turn by hand: makes an item, not a response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAudioClear(ClientEvent):
    """`input_audio_buffer.clear`: forget uncommitted input audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAudioClear(ClientEvent):
    """`output_audio_buffer.clear`: stop what the server is playing (WebRTC and SIP only)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCreate(ClientEvent):
    """`conversation.item.create`: add an item after `previous_item_id`, at the front for "root", else at the end."""

    item: Json
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDelete(ClientEvent):
    """`conversation.item.delete`: remove an item."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRetrieve(ClientEvent):
    """`conversation.item.retrieve`: ask for an item as the server holds it."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTruncate(ClientEvent):
    """`conversation.item.truncate`: tell how much of an assistant item's audio was really heard."""

    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCreate(ClientEvent):
    """`response.create`: ask for a response, with parameters of its own where given."""

    response: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCancel(ClientEvent):
    """`response.cancel`: stop a response, the default conversation's where none is named."""

    response_id: str | None = None


CLIENT_EVENTS: tuple[type[ClientEvent], ...] = (
    SessionUpdate,
    InputAudioAppend,
    InputAudioCommit,
    InputAudioClear,
    OutputAudioClear,
    ItemCreate,
    ItemDelete,
    ItemRetrieve,
    ItemTruncate,
    ResponseCreate,
    ResponseCancel,
)
