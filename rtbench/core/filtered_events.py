"""Events behind Azure's `webrtcfilter=on`: the data channel tells few, and a caller infers those that it goes by.

What passes is TOLD (documentation of Azure OpenAI, "Use the Realtime API via WebRTC"). The beginning and the end of a
session's set-up and of a response are not in it. They are inferred from what is:

    the channel is open, our configuration is sent   session.created, session.updated
    a response is named for the first time           response.created
    its audio was played, its text is done,          response.done, completed
    another is named while something plays
    the service hears the caller, or names another   response.done, cancelled
    while nothing plays

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
            *("session_id", "response_status", "response_reason", "cost_usd"),
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
    "stimuli": frozenset({"session_id"}),
    "incidents": frozenset(
        {
            *("session_id", "session_before", "session_after"),
            *("created_ns", "reconnect_ms", "restored_ns", "restore_ms"),
        }
    ),
    "mishaps": frozenset({"session_id"}),
}
"""Columns that rest upon events which do not pass, by table. A session's name is in `session.created`."""


class Inference:
    """Puts the missing events of one connection in their places."""

    def __init__(self, *, interrupts_by_itself: bool) -> None:
        """`interrupts_by_itself`: the service cancels its answer when it hears the caller."""
        self._interrupts = interrupts_by_itself
        self._active = ""
        self._playing: set[str] = set()
        """Responses of which the playing has begun and not stopped."""

        self._known: set[str] = set()

    def complete(self, event: ServerEvent) -> list[ServerEvent]:
        """An event that was told, among those that it stands for."""
        match event:
            case OutputAudioStarted():
                begun = self._begun(event.response_id)
                self._playing.add(event.response_id)
                return [*begun, event]
            case AudioTranscriptDelta() | AudioTranscriptDone() | TextDelta():
                return [*self._begun(event.response_id), event]
            case OutputAudioStopped():
                begun = self._begun(event.response_id)
                self._playing.discard(event.response_id)
                return [*begun, *self._ended(event.response_id, "completed"), event]
            case TextDone():
                return [*self._begun(event.response_id), event, *self._ended(event.response_id, "completed")]
            case SpeechStarted() if self._interrupts:
                self._playing.clear()
                return [event, *self._ended(self._active, "cancelled")]
        return [event]

    def _begun(self, response_id: str) -> list[ServerEvent]:
        if response_id in self._known:
            return []
        # The service generates one response at a time: the one before is done, though it may still be played, or
        # wait behind one that is.
        before = self._ended(self._active, "completed" if self._playing else "cancelled")
        self._known.add(response_id)
        self._active = response_id
        return [*before, ResponseCreated(response={"id": response_id})]

    def _ended(self, response_id: str, status: str) -> list[ServerEvent]:
        """The end of a response; nothing for one that is over."""
        if not response_id or response_id != self._active:
            return []
        self._active = ""
        response: dict[str, object] = {"id": response_id, "status": status}
        if status == "cancelled":
            response["status_details"] = {"reason": "turn_detected"}
        return [ResponseDone(response=response)]
