"""Server events about responses: what the agent says, and how its answer came about."""

from __future__ import annotations

from dataclasses import dataclass

from rtbench.core.audio import Audio
from rtbench.core.client_events import Json
from rtbench.core.server_events import ServerEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCreated(ServerEvent):
    """`response.created`: a response began."""

    response: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDone(ServerEvent):
    """`response.done`: a response ended: completed, cancelled, failed or incomplete; with its usage."""

    response: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputItemAdded(ServerEvent):
    """`response.output_item.added`: a response began an item."""

    response_id: str
    output_index: int
    item: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputItemDone(ServerEvent):
    """`response.output_item.done`: a response's item is final."""

    response_id: str
    output_index: int
    item: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPartAdded(ServerEvent):
    """`response.content_part.added`: an item began a content part."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    part: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPartDone(ServerEvent):
    """`response.content_part.done`: a content part is final."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    part: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDelta(ServerEvent):
    """`response.output_audio.delta`: more of the agent's voice."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: Audio


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDone(ServerEvent):
    """`response.output_audio.done`: the agent's voice for this part is all there."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTranscriptDelta(ServerEvent):
    """`response.output_audio_transcript.delta`: more of the words spoken."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTranscriptDone(ServerEvent):
    """`response.output_audio_transcript.done`: the words spoken, whole."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    transcript: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(ServerEvent):
    """`response.output_text.delta`: more text of a text answer."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDone(ServerEvent):
    """`response.output_text.done`: a text answer, whole."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionArgumentsDelta(ServerEvent):
    """`response.function_call_arguments.delta`: more of a tool call's arguments."""

    response_id: str
    item_id: str
    output_index: int
    call_id: str
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionArgumentsDone(ServerEvent):
    """`response.function_call_arguments.done`: a tool call is complete."""

    response_id: str
    item_id: str
    output_index: int
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class McpArgumentsDelta(ServerEvent):
    """`response.mcp_call_arguments.delta`: more of an MCP call's arguments."""

    response_id: str
    item_id: str
    output_index: int
    delta: str
    obfuscation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class McpArgumentsDone(ServerEvent):
    """`response.mcp_call_arguments.done`: an MCP call's arguments, whole."""

    response_id: str
    item_id: str
    output_index: int
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCallInProgress(ServerEvent):
    """`response.mcp_call.in_progress`: an MCP call runs."""

    item_id: str
    output_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCallCompleted(ServerEvent):
    """`response.mcp_call.completed`: an MCP call succeeded."""

    item_id: str
    output_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCallFailed(ServerEvent):
    """`response.mcp_call.failed`: an MCP call failed."""

    item_id: str
    output_index: int


RESPONSE_EVENTS: tuple[type[ServerEvent], ...] = (
    ResponseCreated,
    ResponseDone,
    OutputItemAdded,
    OutputItemDone,
    ContentPartAdded,
    ContentPartDone,
    AudioDelta,
    AudioDone,
    AudioTranscriptDelta,
    AudioTranscriptDone,
    TextDelta,
    TextDone,
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    McpArgumentsDelta,
    McpArgumentsDone,
    McpCallInProgress,
    McpCallCompleted,
    McpCallFailed,
)
