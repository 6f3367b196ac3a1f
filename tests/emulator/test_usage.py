from __future__ import annotations

import pytest

from rtbench.emulator import usage
from rtbench.emulator.usage import Tokens


@pytest.mark.parametrize(
    ("audio_ms", "user", "assistant"), [(0, 0, 0), (50, 1, 1), (100, 1, 2), (100.1, 2, 3), (1_000, 10, 20)]
)
def test_audio_counts_by_the_documented_rule(audio_ms, user, assistant):
    assert usage.user_audio_tokens(audio_ms) == user
    assert usage.assistant_audio_tokens(audio_ms) == assistant


def test_text_counts_by_four_characters():
    assert [usage.text_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def test_a_response_s_usage_adds_up():
    shown = usage.response_usage(Tokens(3, 20, 85), Tokens(2, 10, 0), Tokens(4, 40))
    assert shown["input_tokens"] == 108
    assert shown["output_tokens"] == 44
    assert shown["total_tokens"] == 152
    assert shown["input_token_details"]["cached_tokens"] == 12
    assert shown["output_token_details"] == {"text_tokens": 4, "audio_tokens": 40}


def test_tokens_are_compared_kind_by_kind():
    assert Tokens(1, 5, 0).least(Tokens(2, 3, 1)) == Tokens(1, 3, 0)
    assert Tokens(1, 2, 3) + Tokens(1, 1, 1) == Tokens(2, 3, 4)


def test_transcription_is_billed_by_the_model_s_own_measure():
    assert usage.transcription_usage("whisper-1", 1_234.5, "x") == {"type": "duration", "seconds": 1.234}
    assert usage.transcription_usage("gpt-4o-transcribe", 1_000, "abcde") == {
        "type": "tokens",
        "total_tokens": 12,
        "input_tokens": 10,
        "output_tokens": 2,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 10},
    }
