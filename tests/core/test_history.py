"""What an application remembers of a conversation, and whether an answer holds a fact."""

from __future__ import annotations

import pytest

from rtbench.core.history import History, contains_words
from rtbench.core.response_events import AudioTranscriptDelta, AudioTranscriptDone, TextDelta, TextDone
from rtbench.core.server_events import InputAudioCommitted, InputTranscriptionCompleted


def delta(text: str, item_id: str = "a1") -> AudioTranscriptDelta:
    return AudioTranscriptDelta(response_id="r", item_id=item_id, output_index=0, content_index=0, delta=text)


def said(history: History) -> list[tuple[str, str]]:
    return [(item["role"], item["content"][0]["text"]) for item in history.items()]


def test_it_keeps_both_sides_in_order() -> None:
    history = History()
    history.user_says("Hello.")
    history.receive(delta("Good"))
    history.receive(delta(" morning."))
    history.user_says("Where is my order?")

    assert said(history) == [
        ("user", "Hello."),
        ("assistant", "Good morning."),
        ("user", "Where is my order?"),
    ]


def test_items_are_in_the_shape_of_the_api() -> None:
    history = History()
    history.user_says("Hello.")
    history.receive(delta("Hi."))

    user, answer = history.items()

    assert user == {
        "id": "restored_1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hello."}],
    }
    assert (answer["id"], answer["content"][0]["type"]) == ("restored_2", "output_text")


def test_the_service_s_own_transcript_replaces_the_script_s_words() -> None:
    history = History()
    history.user_says("It is 4711.")
    history.receive(InputAudioCommitted(item_id="u1"))
    history.receive(
        InputTranscriptionCompleted(
            item_id="u1", content_index=0, transcript="It is forty seven eleven.", usage={}
        )
    )

    assert said(history) == [("user", "It is forty seven eleven.")]


def test_an_answer_that_was_cut_off_is_kept_as_far_as_it_came() -> None:
    history = History()
    history.user_says("Hello.")
    history.receive(delta("Your parcel"))
    history.connection_lost()
    history.receive(delta("Let me begin again.", item_id="a1"))

    assert said(history)[1:] == [("assistant", "Your parcel"), ("assistant", "Let me begin again.")]


def test_a_whole_transcript_replaces_its_pieces() -> None:
    history = History()
    history.receive(delta("Good mor"))
    history.receive(
        AudioTranscriptDone(
            response_id="r", item_id="a1", output_index=0, content_index=0, transcript="Good morning."
        )
    )

    assert history.last_answer == "Good morning."


def test_written_answers_count_like_spoken_ones() -> None:
    history = History()
    part = {"response_id": "r", "item_id": "a1", "output_index": 0, "content_index": 0}
    history.receive(TextDelta(**part, delta="It"))
    assert history.last_answer == "It"
    history.receive(TextDone(**part, text="It is on its way."))

    assert said(history) == [("assistant", "It is on its way.")]


def test_what_has_no_words_is_not_told() -> None:
    history = History()
    history.user_says("")
    history.receive(delta(" "))

    assert history.items() == []


def test_there_is_no_answer_while_the_user_spoke_last() -> None:
    history = History()
    history.receive(delta("Hi."))
    history.user_says("Hello.")

    assert history.last_answer == ""


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("Your number is Four seven, one.", "four seven one", True),
        ("It is 4711!", "4711", True),
        ("It is 47110.", "4711", False),
        ("seven four one", "four seven one", False),
        ("", "4711", False),
    ],
)
def test_words_are_found_whatever_their_case_and_punctuation(text: str, wanted: str, found: bool) -> None:
    assert contains_words(text, wanted) is found
