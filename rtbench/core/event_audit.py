"""What is odd about events that can be read: told twice, told too late, of an unknown type, or with half a sample.

Over WebRTC, where audio is no event, the words of an answer that is over are what comes too late, and a packet
that was cut short is what half a sample is over a WebSocket.

None of it hurts the conversation, which takes such events as they come; it is found and counted by class.
"""

from __future__ import annotations

from collections import deque

from rtbench.core.audio import AudioFormat
from rtbench.core.json_fields import string
from rtbench.core.response_events import AudioDelta, AudioTranscriptDelta, ResponseDone
from rtbench.core.server_events import ServerEvent, UnknownEvent
from rtbench.core.streamed_voice import StreamedVoice

DUPLICATE = "duplicate_event"
STALE = "stale_event"
UNKNOWN = "unknown_event"
ODD_AUDIO = "odd_audio"

REMEMBERED = 256
"""Events and responses back to which a repetition is noticed: some seconds of an answer."""


class EventAudit:
    """Looks at every event of one connection."""

    def __init__(self, output: AudioFormat) -> None:
        self._sample_bytes = output.size_bytes(1)
        self._ids: deque[str] = deque(maxlen=REMEMBERED)
        self._known: set[str] = set()
        self._over: deque[str] = deque(maxlen=REMEMBERED)
        self._broken_packets = 0

    def finding(self, event: ServerEvent) -> str:
        """The class of what is odd about an event; empty where nothing is."""
        if isinstance(event, UnknownEvent):
            return UNKNOWN
        if event.event_id and self._is_known(event.event_id):
            return DUPLICATE
        if isinstance(event, AudioDelta | AudioTranscriptDelta) and event.response_id in self._over:
            return STALE
        if isinstance(event, AudioDelta):
            return ODD_AUDIO if event.delta.size_bytes % self._sample_bytes else ""
        if isinstance(event, ResponseDone) and string(event.response, "status") != "cancelled":
            # After a cancellation late audio is the rule, and is measured by `stale_audio_ms`.
            self._over.append(string(event.response, "id"))
        return ""

    def broken(self, stream: StreamedVoice | None) -> int:
        """How many packets of the connection's stream were found to be cut short since the last call."""
        if stream is None:
            return 0
        new, self._broken_packets = stream.broken_packets - self._broken_packets, stream.broken_packets
        return new

    def _is_known(self, event_id: str) -> bool:
        if event_id in self._known:
            return True
        if len(self._ids) == REMEMBERED:
            self._known.discard(self._ids[0])
        self._ids.append(event_id)
        self._known.add(event_id)
        return False
