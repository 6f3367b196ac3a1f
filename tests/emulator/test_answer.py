from __future__ import annotations

from rtbench.core.audio import Audio
from rtbench.emulator.answer import FunctionCall, SpokenAnswer, WrittenAnswer
from rtbench.emulator.plan import Beat
from rtbench.emulator.usage import Tokens

FIRST = Beat(0, "Hello", Audio(b"\0\0"), 100_000_000)
SILENT = Beat(0, "", Audio(b"\0\0"), 50_000_000)


def names(events):
    return [type(event).__name__ for event in events]


def test_a_spoken_answer_tells_its_words_and_counts_its_audio():
    answer = SpokenAnswer("r", "i")
    assert names(answer.added(FIRST)) == ["AudioTranscriptDelta"]
    assert answer.added(SILENT) == []
    assert names(answer.closed()) == ["AudioDone", "AudioTranscriptDone", "ContentPartDone"]
    assert (answer.text, answer.audio_ms) == ("Hello", 150)
    assert answer.tokens() == Tokens(text=2, audio=3)


def test_a_written_answer_closes_with_its_text():
    answer = WrittenAnswer("r", "i")
    answer.added(Beat(0, "Hello"))
    answer.added(Beat(0, " you"))
    done, part = answer.closed()
    assert (done.text, part.part) == ("Hello you", {"type": "text", "text": "Hello you"})


def test_a_function_call_has_no_content_part():
    answer = FunctionCall("r", "i", "call_1", "look_up")
    assert answer.opened() == []
    answer.added(Beat(0, "{}"))
    assert answer.json("completed") == {
        "id": "i",
        "object": "realtime.item",
        "type": "function_call",
        "status": "completed",
        "name": "look_up",
        "call_id": "call_1",
        "arguments": "{}",
    }


def test_an_item_has_no_content_while_it_is_in_progress():
    answer = SpokenAnswer("r", "i")
    answer.added(FIRST)
    assert answer.json("in_progress")["content"] == []
    assert answer.json("completed")["content"] == [{"type": "output_audio", "transcript": "Hello"}]
