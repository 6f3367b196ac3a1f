"""The conversation as the caller's application remembers it: who said what, in words, to be told to a new session.

A user's words come from the service's transcription where there is one, else from the script. An
answer that was cut off is remembered as far as its words had come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rtbench.core.response_events import (
    AudioTranscriptDelta,
    AudioTranscriptDone,
    ResponseCreated,
    TextDelta,
    TextDone,
)
from rtbench.core.server_events import InputAudioCommitted, InputTranscriptionCompleted, ServerEvent

Json = dict[str, Any]


@dataclass(slots=True)
class _Said:
    by_user: bool
    text: str
    item_id: str = ""
    """The user's item, or the answer's."""


class History:
    """What was said so far, over all the connections of one caller."""

    def __init__(self) -> None:
        self._said: list[_Said] = []

    def user_says(self, text: str) -> None:
        """The caller begins to say, or writes, this."""
        self._said.append(_Said(True, text))

    def receive(self, event: ServerEvent) -> None:
        """Take what the service tells of words."""
        match event:
            case InputAudioCommitted():
                self._name_user_item(event.item_id)
            case InputTranscriptionCompleted() if event.transcript:
                for said in self._said:
                    if said.by_user and said.item_id == event.item_id:
                        said.text = event.transcript
            case ResponseCreated():
                pass
            case AudioTranscriptDelta() | TextDelta():
                self._answer(event.item_id).text += event.delta
            case AudioTranscriptDone():
                self._answer(event.item_id).text = event.transcript
            case TextDone():
                self._answer(event.item_id).text = event.text

    def connection_lost(self) -> None:
        """Items of the old session have no names in the new one."""
        for said in self._said:
            said.item_id = ""

    def items(self) -> list[Json]:
        """Everything with words in it, in order, as items of the API; ids are this conversation's own."""
        spoken = [said for said in self._said if said.text.strip()]
        return [_item(number, said) for number, said in enumerate(spoken, 1)]

    @property
    def last_answer(self) -> str:
        """The words of the latest answer, empty where the user spoke last."""
        last = self._said[-1] if self._said else None
        return "" if last is None or last.by_user else last.text

    def _name_user_item(self, item_id: str) -> None:
        for said in reversed(self._said):
            if said.by_user:
                said.item_id = said.item_id or item_id
                return

    def _answer(self, item_id: str) -> _Said:
        for said in reversed(self._said):
            if not said.by_user and said.item_id == item_id:
                return said
        self._said.append(_Said(False, "", item_id))
        return self._said[-1]


def _item(number: int, said: _Said) -> Json:
    role, kind = ("user", "input_text") if said.by_user else ("assistant", "output_text")
    return {
        "id": f"restored_{number}",
        "type": "message",
        "role": role,
        "content": [{"type": kind, "text": said.text.strip()}],
    }


def contains_words(text: str, wanted: str) -> bool:
    """Whether these words are in a text, one after the other, whatever their case and punctuation."""
    return f" {_plain(wanted)} " in f" {_plain(text)} "


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
