"""Events behind Azure's `webrtcfilter=on`: the data channel tells few, and a caller infers those that it goes by.

What passes is TOLD (documentation of Azure OpenAI, "Use the Realtime API via WebRTC"). The beginning and the end of a
session's set-up and of a response are not in it. They are inferred from what is:

    the channel is open, our configuration is sent   session.created, session.updated
    a response is named for the first time           response.created
    its audio was played, its text is done           response.done, completed
    the service hears the caller, or names another   response.done, cancelled
    response

So a conversation goes on; an instant or a count that is only inferred is no measurement, and UNTOLD names the columns
that are null for that reason.
"""

from __future__ import annotations

from rtbench.core.response_events import (
    AudioTranscriptDelta,
    AudioTranscriptDone,
    ResponseCreated,
    ResponseDone,
    TextDelta,
    TextDone,
)
from rtbench.core.server_events import OutputAudioStarted, OutputAudioStopped, ServerEvent, SpeechStarted

TOLD = frozenset(
    {
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.added",
        "conversation.item.created",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
    }
)
"""Wire types of the events that pass."""

UNTOLD: dict[str, frozenset[str]] = {
    "turns": frozenset(
        {
            *("response_created_ns", "response_created_ms", "response_done_ns", "response_done_ms"),
            *("response_status", "response_reason", "cost_usd"),
            *("input_text_tokens", "input_audio_tokens", "cached_tokens"),
            *("output_text_tokens", "output_audio_tokens"),
        }
    ),
    "sessions": frozenset(
        {
            *("session_id", "created_ns", "session_created_ms", "updated_ns", "session_updated_ms"),
            *("errors_per_session", "cost_usd", "cost_usd_per_minute"),
        }
    ),
}
"""Columns that rest upon events which do not pass, by table."""


class Inference:
    """Puts the missing events of one connection in their places."""

    def __init__(self, *, interrupts_by_itself: bool) -> None:
        """`interrupts_by_itself`: the service cancels its answer when it hears the caller."""
        self._interrupts = interrupts_by_itself
        self._active = ""
        self._known: set[str] = set()

    def complete(self, event: ServerEvent) -> list[ServerEvent]:
        """An event that was told, among those that it stands for."""
        match event:
            case OutputAudioStarted() | AudioTranscriptDelta() | AudioTranscriptDone() | TextDelta():
                return [*self._begun(event.response_id), event]
            case OutputAudioStopped():
                return [*self._begun(event.response_id), *self._ended("completed"), event]
            case TextDone():
                return [*self._begun(event.response_id), event, *self._ended("completed")]
            case SpeechStarted() if self._interrupts:
                return [event, *self._ended("cancelled")]
        return [event]

    def _begun(self, response_id: str) -> list[ServerEvent]:
        if response_id in self._known:
            return []
        before = self._ended("cancelled")
        self._known.add(response_id)
        self._active = response_id
        return [*before, ResponseCreated(response={"id": response_id})]

    def _ended(self, status: str) -> list[ServerEvent]:
        if not self._active:
            return []
        response: dict[str, object] = {"id": self._active, "status": status}
        self._active = ""
        if status == "cancelled":
            response["status_details"] = {"reason": "turn_detected"}
        return [ResponseDone(response=response)]
