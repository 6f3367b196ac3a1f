from __future__ import annotations

from rtbench.emulator.words import Word, spoken_spans, spoken_words


def test_spans_are_the_speech_between_pauses():
    assert spoken_spans((10, 100), [(30, 40), (60, 90)]) == ((10, 30), (40, 60), (90, 100))
    assert spoken_spans((10, 100), []) == ((10, 100),)


def test_words_take_time_by_their_letters():
    assert spoken_words("abc a abc", [(0, 1_000)]) == (Word("abc", 0), Word("a", 400), Word("abc", 600))


def test_no_word_begins_in_a_pause():
    words = spoken_words("aa bb cc dd", [(0, 300), (500, 600)])
    assert [word.start_ns for word in words] == [0, 100, 200, 500]


def test_a_clip_without_words_has_none():
    assert spoken_words("", [(0, 100)]) == ()
    assert spoken_words("a", []) == (Word("a", 0),)
