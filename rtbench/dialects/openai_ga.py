"""The GA dialect of the OpenAI Realtime API: 11 client events and 46 server events.

Core events were named after this dialect, so its tables are all that it needs. Wire types and
fields: OpenAI's API reference, realtime client events and server events, and the types of the
`openai` package.
"""

from __future__ import annotations

from urllib.parse import quote

from rtbench.core import client_events as c
from rtbench.core import response_events as r
from rtbench.core import server_events as s
from rtbench.core.audio import Audio
from rtbench.dialects.codec import JsonClientCodec, JsonServerCodec
from rtbench.dialects.payload import PayloadScanner
from rtbench.dialects.wire import WireTable, WireType

CLIENT_TABLE: WireTable[c.ClientEvent] = WireTable(
    (
        WireType("session.update", c.SessionUpdate),
        WireType("input_audio_buffer.append", c.InputAudioAppend),
        WireType("input_audio_buffer.commit", c.InputAudioCommit),
        WireType("input_audio_buffer.clear", c.InputAudioClear),
        WireType("output_audio_buffer.clear", c.OutputAudioClear),
        WireType("conversation.item.create", c.ItemCreate),
        WireType("conversation.item.delete", c.ItemDelete),
        WireType("conversation.item.retrieve", c.ItemRetrieve),
        WireType("conversation.item.truncate", c.ItemTruncate),
        WireType("response.create", c.ResponseCreate),
        WireType("response.cancel", c.ResponseCancel),
    )
)

_FIRST_ITEM_IS_NULL = frozenset({"previous_item_id"})
"""The API reference: null where no item precedes; every other optional member is left out."""

SERVER_TABLE: WireTable[s.ServerEvent] = WireTable(
    (
        WireType("session.created", s.SessionCreated),
        WireType("session.updated", s.SessionUpdated),
        WireType("error", s.ErrorReceived),
        WireType("rate_limits.updated", s.RateLimitsUpdated),
        WireType("conversation.created", s.ConversationCreated),
        WireType("conversation.item.created", s.ItemCreated, _FIRST_ITEM_IS_NULL),
        WireType("conversation.item.added", s.ItemAdded, _FIRST_ITEM_IS_NULL),
        WireType("conversation.item.done", s.ItemDone, _FIRST_ITEM_IS_NULL),
        WireType("conversation.item.deleted", s.ItemDeleted),
        WireType("conversation.item.retrieved", s.ItemRetrieved),
        WireType("conversation.item.truncated", s.ItemTruncated),
        WireType("conversation.item.input_audio_transcription.delta", s.InputTranscriptionDelta),
        WireType("conversation.item.input_audio_transcription.completed", s.InputTranscriptionCompleted),
        WireType("conversation.item.input_audio_transcription.failed", s.InputTranscriptionFailed),
        WireType("conversation.item.input_audio_transcription.segment", s.InputTranscriptionSegment),
        WireType("input_audio_buffer.committed", s.InputAudioCommitted, _FIRST_ITEM_IS_NULL),
        WireType("input_audio_buffer.cleared", s.InputAudioCleared),
        WireType("input_audio_buffer.speech_started", s.SpeechStarted),
        WireType("input_audio_buffer.speech_stopped", s.SpeechStopped),
        WireType("input_audio_buffer.timeout_triggered", s.InputTimeoutTriggered),
        WireType("input_audio_buffer.dtmf_event_received", s.DtmfReceived, has_event_id=False),
        WireType("output_audio_buffer.started", s.OutputAudioStarted),
        WireType("output_audio_buffer.stopped", s.OutputAudioStopped),
        WireType("output_audio_buffer.cleared", s.OutputAudioCleared),
        WireType("mcp_list_tools.in_progress", s.McpListToolsInProgress),
        WireType("mcp_list_tools.completed", s.McpListToolsCompleted),
        WireType("mcp_list_tools.failed", s.McpListToolsFailed),
        WireType("response.created", r.ResponseCreated),
        WireType("response.done", r.ResponseDone),
        WireType("response.output_item.added", r.OutputItemAdded),
        WireType("response.output_item.done", r.OutputItemDone),
        WireType("response.content_part.added", r.ContentPartAdded),
        WireType("response.content_part.done", r.ContentPartDone),
        WireType("response.output_audio.delta", r.AudioDelta),
        WireType("response.output_audio.done", r.AudioDone),
        WireType("response.output_audio_transcript.delta", r.AudioTranscriptDelta),
        WireType("response.output_audio_transcript.done", r.AudioTranscriptDone),
        WireType("response.output_text.delta", r.TextDelta),
        WireType("response.output_text.done", r.TextDone),
        WireType("response.function_call_arguments.delta", r.FunctionArgumentsDelta),
        WireType("response.function_call_arguments.done", r.FunctionArgumentsDone),
        WireType("response.mcp_call_arguments.delta", r.McpArgumentsDelta),
        WireType("response.mcp_call_arguments.done", r.McpArgumentsDone),
        WireType("response.mcp_call.in_progress", r.McpCallInProgress),
        WireType("response.mcp_call.completed", r.McpCallCompleted),
        WireType("response.mcp_call.failed", r.McpCallFailed),
    )
)

_DELTA_SCANNER: PayloadScanner[s.ServerEvent] = PayloadScanner(
    "response.output_audio.delta", r.AudioDelta, "delta"
)
_APPEND_SCANNER: PayloadScanner[c.ClientEvent] = PayloadScanner(
    "input_audio_buffer.append", c.InputAudioAppend, "audio"
)

_WIRE_TYPES: dict[type, str] = {row.event: row.name for row in (*CLIENT_TABLE, *SERVER_TABLE)}


class OpenAiGa:
    """OpenAI's Realtime API since its general availability, and services that speak like it."""

    name = "openai_ga"

    def client_codec(self) -> JsonClientCodec:
        return JsonClientCodec(CLIENT_TABLE, SERVER_TABLE, _DELTA_SCANNER)

    def server_codec(self, event_prefix: str = "event_") -> JsonServerCodec:
        return JsonServerCodec(CLIENT_TABLE, SERVER_TABLE, _APPEND_SCANNER, event_prefix=event_prefix)

    def wire_type(self, event: c.ClientEvent | s.ServerEvent) -> str:
        return _WIRE_TYPES[type(event)]

    def append_message(self, audio: Audio) -> bytes:
        return b'{"type":"input_audio_buffer.append","audio":"%b"}' % audio.base64

    def websocket_path(self, model: str) -> str:
        return f"/realtime?model={quote(model, safe='')}"

    def sideband_path(self, call_id: str) -> str:
        return f"/realtime?call_id={quote(call_id, safe='')}"

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}


OPENAI_GA = OpenAiGa()
