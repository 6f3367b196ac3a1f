"""Server events about the session, the conversation and the input: what a service tells its caller.

Events about responses are in `response_events`. Names follow OpenAI's event names; `session`,
`item` and `response` objects keep the GA API's JSON shape as the neutral one. `event_id` is the
server's; its codec numbers events that have none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rtbench.core.client_events import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """Base of all server events."""

    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(ServerEvent):
    """A well-formed event of a type that this dialect does not know; tolerated, counted, kept in the trace."""

    type: str
    payload: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedEvent(ServerEvent):
    """A message that is not an event: not JSON, no type, or a known type with a missing or mistyped field."""

    reason: str
    type: str = ""
    payload: str = ""
    """The message's first characters."""


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """The API's error object. `event_id` is that of the client event at fault."""

    type: str
    message: str
    code: str | None = None
    param: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCreated(ServerEvent):
    """`session.created`: the session stands, with all its defaults."""

    session: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdated(ServerEvent):
    """`session.updated`: the whole session after an update."""

    session: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReceived(ServerEvent):
    """`error`: something went wrong; most errors leave the session open."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitsUpdated(ServerEvent):
    """`rate_limits.updated`: what is left of requests and tokens."""

    rate_limits: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationCreated(ServerEvent):
    """`conversation.created`: a conversation was opened."""

    conversation: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCreated(ServerEvent):
    """`conversation.item.created`: the beta's name of `conversation.item.added`."""

    item: Json
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAdded(ServerEvent):
    """`conversation.item.added`: an item entered the conversation, maybe still in progress."""

    item: Json
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDone(ServerEvent):
    """`conversation.item.done`: an item is final."""

    item: Json
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDeleted(ServerEvent):
    """`conversation.item.deleted`: an item was removed."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRetrieved(ServerEvent):
    """`conversation.item.retrieved`: the answer to `conversation.item.retrieve`."""

    item: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTruncated(ServerEvent):
    """`conversation.item.truncated`: an assistant item was cut to what was heard."""

    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTranscriptionDelta(ServerEvent):
    """`conversation.item.input_audio_transcription.delta`: more of the user's words."""

    item_id: str
    content_index: int | None = None
    delta: str | None = None
    logprobs: tuple[Json, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTranscriptionCompleted(ServerEvent):
    """`conversation.item.input_audio_transcription.completed`: the user's words, whole."""

    item_id: str
    content_index: int
    transcript: str
    usage: Json
    logprobs: tuple[Json, ...] | None = None
    languages: tuple[Json, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTranscriptionFailed(ServerEvent):
    """`conversation.item.input_audio_transcription.failed`: the user's words could not be had."""

    item_id: str
    content_index: int
    error: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTranscriptionSegment(ServerEvent):
    """`conversation.item.input_audio_transcription.segment`: a timed piece of the user's words; `start` and `end` in seconds."""

    item_id: str
    content_index: int
    id: str
    speaker: str
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAudioCommitted(ServerEvent):
    """`input_audio_buffer.committed`: the user's turn became an item."""

    item_id: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAudioCleared(ServerEvent):
    """`input_audio_buffer.cleared`: uncommitted input audio was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(ServerEvent):
    """`input_audio_buffer.speech_started`: the VAD heard speech; the offset counts all audio sent, prefix padding included."""

    item_id: str
    audio_start_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped(ServerEvent):
    """`input_audio_buffer.speech_stopped`: the VAD decided that speech is over; the offset includes the configured silence."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTimeoutTriggered(ServerEvent):
    """`input_audio_buffer.timeout_triggered`: nobody spoke for `idle_timeout_ms`."""

    item_id: str
    audio_start_ms: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DtmfReceived(ServerEvent):
    """`input_audio_buffer.dtmf_event_received`: a key was pressed (SIP only; has no `event_id`)."""

    event: str
    received_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAudioStarted(ServerEvent):
    """`output_audio_buffer.started`: the server began to play (WebRTC and SIP only)."""

    response_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAudioStopped(ServerEvent):
    """`output_audio_buffer.stopped`: the server has played all (WebRTC and SIP only)."""

    response_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAudioCleared(ServerEvent):
    """`output_audio_buffer.cleared`: the server dropped what it had not played (WebRTC and SIP only)."""

    response_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class McpListToolsInProgress(ServerEvent):
    """`mcp_list_tools.in_progress`: the server is asking an MCP server for its tools."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class McpListToolsCompleted(ServerEvent):
    """`mcp_list_tools.completed`: the tools are listed."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class McpListToolsFailed(ServerEvent):
    """`mcp_list_tools.failed`: the tools could not be listed."""

    item_id: str


SESSION_EVENTS: tuple[type[ServerEvent], ...] = (
    SessionCreated,
    SessionUpdated,
    ErrorReceived,
    RateLimitsUpdated,
    ConversationCreated,
    ItemCreated,
    ItemAdded,
    ItemDone,
    ItemDeleted,
    ItemRetrieved,
    ItemTruncated,
    InputTranscriptionDelta,
    InputTranscriptionCompleted,
    InputTranscriptionFailed,
    InputTranscriptionSegment,
    InputAudioCommitted,
    InputAudioCleared,
    SpeechStarted,
    SpeechStopped,
    InputTimeoutTriggered,
    DtmfReceived,
    OutputAudioStarted,
    OutputAudioStopped,
    OutputAudioCleared,
    McpListToolsInProgress,
    McpListToolsCompleted,
    McpListToolsFailed,
)
