"""Answers: an output item as it grows, and the events that tell of it; spoken, written, or a function call.

Each kind says what opens it, what a beat adds, and what closes it, in the order of the API's guide.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rtbench.core.audio import Audio
from rtbench.core.client_events import Json
from rtbench.core.response_events import (
    AudioDelta,
    AudioDone,
    AudioTranscriptDelta,
    AudioTranscriptDone,
    ContentPartAdded,
    ContentPartDone,
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    TextDelta,
    TextDone,
)
from rtbench.core.server_events import ServerEvent
from rtbench.emulator import usage
from rtbench.emulator.plan import Beat
from rtbench.emulator.usage import Tokens

OUTPUT_INDEX = 0
CONTENT_INDEX = 0


class Answer(ABC):
    """An output item. `text` and `audio_ms` are what has been given out."""

    def __init__(self, response_id: str, item_id: str) -> None:
        self.item_id = item_id
        self.text = ""
        self.audio_ms = 0.0
        self._item: dict[str, Any] = {
            "response_id": response_id,
            "item_id": item_id,
            "output_index": OUTPUT_INDEX,
        }
        self.part: dict[str, Any] = {**self._item, "content_index": CONTENT_INDEX}
        """What the events about its content name it by."""

    def tokens(self) -> Tokens:
        return Tokens(text=usage.text_tokens(self.text), audio=usage.assistant_audio_tokens(self.audio_ms))

    def stale(self, audio: Audio) -> list[ServerEvent]:
        """Audio that comes after the end, and counts for nothing."""
        return [AudioDelta(**self.part, delta=audio)]

    @abstractmethod
    def json(self, status: str) -> dict[str, Any]:
        """The item; without content while it is in progress."""

    @abstractmethod
    def opened(self) -> list[ServerEvent]: ...

    @abstractmethod
    def added(self, beat: Beat) -> list[ServerEvent]:
        """The words of a beat; its audio takes its own way (see `output`)."""

    @abstractmethod
    def closed(self) -> list[ServerEvent]: ...

    def _message(self, status: str, part: Json) -> dict[str, Any]:
        return {
            "id": self.item_id,
            "object": "realtime.item",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [] if status == "in_progress" else [part],
        }


class SpokenAnswer(Answer):
    """Audio, with a transcript that is a little ahead of it."""

    def json(self, status: str) -> dict[str, Any]:
        return self._message(status, {"type": "output_audio", "transcript": self.text})

    def opened(self) -> list[ServerEvent]:
        return [ContentPartAdded(**self.part, part={"type": "audio", "transcript": ""})]

    def added(self, beat: Beat) -> list[ServerEvent]:
        self.text += beat.text
        self.audio_ms += beat.duration_ns / 1e6
        return [AudioTranscriptDelta(**self.part, delta=beat.text)] if beat.text else []

    def closed(self) -> list[ServerEvent]:
        return [
            AudioDone(**self.part),
            AudioTranscriptDone(**self.part, transcript=self.text),
            ContentPartDone(**self.part, part={"type": "audio", "transcript": self.text}),
        ]


class WrittenAnswer(Answer):
    """Text only."""

    def json(self, status: str) -> dict[str, Any]:
        return self._message(status, {"type": "output_text", "text": self.text})

    def opened(self) -> list[ServerEvent]:
        return [ContentPartAdded(**self.part, part={"type": "text", "text": ""})]

    def added(self, beat: Beat) -> list[ServerEvent]:
        self.text += beat.text
        return [TextDelta(**self.part, delta=beat.text)]

    def closed(self) -> list[ServerEvent]:
        return [
            TextDone(**self.part, text=self.text),
            ContentPartDone(**self.part, part={"type": "text", "text": self.text}),
        ]


class FunctionCall(Answer):
    """A call of one of the client's functions."""

    def __init__(self, response_id: str, item_id: str, call_id: str, name: str) -> None:
        super().__init__(response_id, item_id)
        self._call_id = call_id
        self._name = name

    def json(self, status: str) -> dict[str, Any]:
        return {
            "id": self.item_id,
            "object": "realtime.item",
            "type": "function_call",
            "status": status,
            "name": self._name,
            "call_id": self._call_id,
            "arguments": self.text,
        }

    def opened(self) -> list[ServerEvent]:
        return []

    def added(self, beat: Beat) -> list[ServerEvent]:
        self.text += beat.text
        return [FunctionArgumentsDelta(**self._item, call_id=self._call_id, delta=beat.text)]

    def closed(self) -> list[ServerEvent]:
        return [
            FunctionArgumentsDone(**self._item, call_id=self._call_id, name=self._name, arguments=self.text)
        ]
