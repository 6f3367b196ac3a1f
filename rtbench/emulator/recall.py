"""Memory: a service that was told a fact answers with it when asked, and says that it does not know where it was not.

Written in a profile as

    recall: [{asked: my order number, told: four seven one one, knows: reply_number, forgets: reply_unknown}]

It is the session that remembers: a new one knows what its conversation holds, be it said or restored.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from rtbench.core import pcm
from rtbench.core.audio import AudioFormat
from rtbench.core.history import contains_words
from rtbench.emulator.conversation_items import Item
from rtbench.emulator.recognizer import Recognizer
from rtbench.scenario.block import Block


class Fact(Block):
    """Something that callers tell, and ask for."""

    asked: str = Field(min_length=1)
    """Words by which it is asked for."""

    told: str = Field(min_length=1)
    """Words by which it was told."""

    knows: str = Field(min_length=1)
    """Clip of the answer that holds the fact."""

    forgets: str = Field(min_length=1)
    """Clip of the answer that does not."""


class Memory:
    """What one session can recall of its conversation."""

    def __init__(self, facts: Iterable[Fact], recognizer: Recognizer) -> None:
        self._facts = tuple(facts)
        self._recognizer = recognizer
        self._heard: dict[str, str] = {}

    def answer(self, items: Iterable[Item], fmt: AudioFormat) -> str:
        """The clip that answers what the user said last; empty where that asked for none of the facts."""
        if not self._facts:
            return ""
        said = [(item.json.get("role") == "user", self._words(item, fmt)) for item in items]
        asked = next((words for by_user, words in reversed(said) if by_user), "")
        for fact in self._facts:
            if contains_words(asked, fact.asked):
                return (
                    fact.knows if any(contains_words(words, fact.told) for _, words in said) else fact.forgets
                )
        return ""

    def _words(self, item: Item, fmt: AudioFormat) -> str:
        """An item's words: written, or heard in its audio."""
        written = [
            part.get("text") or part.get("transcript") or "" for part in item.json.get("content") or ()
        ]
        text = " ".join(filter(None, written))
        if text or item.audio is None:
            return text or self._heard.get(item.id, "")
        if item.id not in self._heard:
            samples = pcm.decode(item.audio.data, fmt)
            self._heard[item.id] = self._recognizer.recognize(samples, fmt.rate_hz) or ""
        return self._heard[item.id]
