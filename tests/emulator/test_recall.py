"""A service that knows what it was told, and only that."""

from __future__ import annotations

import pytest

from rtbench.core.audio import PCM16
from rtbench.emulator.conversation_items import client_item
from rtbench.emulator.recall import Fact, Memory

FACT = Fact(asked="my order number", told="four seven one one", knows="yes", forgets="no")


class Deaf:
    def recognize(self, samples, rate_hz) -> None:
        return None


def item(role: str, text: str):
    kind = "output_text" if role == "assistant" else "input_text"
    return client_item(
        {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}, PCM16, "i"
    )


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ([("user", "My order number is four seven one one."), ("user", "What is my order number?")], "yes"),
        ([("user", "What is my order number?")], "no"),
        ([("assistant", "It is four seven one one."), ("user", "Repeat my order number.")], "yes"),
        ([("user", "My order number is four seven one one."), ("user", "Where is my parcel?")], ""),
        ([], ""),
    ],
)
def test_the_answer_depends_on_what_the_conversation_holds(said, answer: str) -> None:
    items = [item(role, text) for role, text in said]

    assert Memory([FACT], Deaf()).answer(items, PCM16) == answer


def test_without_facts_nothing_is_listened_to() -> None:
    assert Memory([], None).answer([item("user", "my order number")], PCM16) == ""
