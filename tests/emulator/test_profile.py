from __future__ import annotations

import random

import pytest
from pydantic import ValidationError

from rtbench.emulator.delays import Constant
from rtbench.emulator.profile import Profile


def profile(**settings: object) -> Profile:
    return Profile.model_validate(settings)


def test_every_key_has_a_default():
    assert profile().response_delay == Constant(300)
    assert (profile().chunk_ms, profile().pace, profile().session_limit.s) == (100, 2.0, 3_600)


@pytest.mark.parametrize(("written", "pace"), [("1x", 1.0), ("2.5x", 2.5), (" 3x", 3.0), ("burst", None)])
def test_the_pace_is_a_multiple_of_real_time_or_a_burst(written, pace):
    assert profile(pace=written).pace == pace


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"pace": "2"}, "multiple of real time"),
        ({"pace": 2}, "multiple of real time"),
        ({"pace": "0x"}, "multiple of real time"),
        ({"pace": "fastx"}, "multiple of real time"),
        ({"pace": "nanx"}, "multiple of real time"),
        ({"chunk": "5 ms"}, "10 ms to 1 s"),
        ({"chunk": "10.5 ms"}, "whole milliseconds"),
        ({"min_speech": "3 s"}, "2 s or less"),
        ({"session_limit": "0 ms"}, "longer than 0"),
        ({"semantic_error_rate": 1.5}, "less than or equal to 1"),
        ({"faults": {"no_answr": 1}}, "did you mean 'no_answer'"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"response_delay": 5}, "needs its unit"),
        ({"respons_delay": "5 ms"}, "did you mean 'response_delay'"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        profile(**settings)


def test_delays_are_drawn_by_name():
    assert profile(jitter="4 ms").delay_ms("jitter", random.Random(1)) == 4
