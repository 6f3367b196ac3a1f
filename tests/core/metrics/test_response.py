import dataclasses

import pytest

from rtbench.core.metrics import response
from rtbench.core.metrics.response import RESPONSE_METRICS, identity_error_ms
from rtbench.core.turns import Turn

MS = 1_000_000

ANSWERED = Turn(
    number=1,
    clip="c",
    user_speech_end_ns=10_000 * MS,
    speech_stopped_ns=10_520 * MS,
    commit_sent_ns=10_040 * MS,
    response_created_ns=10_530 * MS,
    first_text_ns=10_780 * MS,
    first_audio_ns=10_800 * MS,
    audible_ns=11_000 * MS,
    final_audible_ns=13_000 * MS,
    response_done_ns=12_345 * MS + 500_000,
    leading_silence_ms=120.0,
    playout_wait_ms=80.0,
)


def values(turn: Turn) -> dict[str, float | None]:
    return {metric.name: metric.compute(turn) for metric in RESPONSE_METRICS}


def test_every_wait_starts_at_the_end_of_the_users_speech() -> None:
    assert values(ANSWERED) == {
        "voice_to_voice_ms": 1_000,
        "first_audio_ms": 800,
        "endpoint_delay_ms": 520,
        "speech_stop_to_first_audio_ms": 280,
        "leading_silence_ms": 120,
        "playout_wait_ms": 80,
        "first_text_ms": 780,
        "response_created_ms": 530,
        "response_done_ms": 2_345.5,
        "final_answer_audio_ms": 3_000,
    }


def test_a_manual_turn_ends_with_its_commit() -> None:
    manual = dataclasses.replace(ANSWERED, kind="manual")

    assert response.endpoint_delay_ms(manual) == 40
    assert response.speech_stop_to_first_audio_ms(manual) == 760
    assert identity_error_ms(manual) == 0


def test_what_did_not_happen_has_no_value() -> None:
    assert set(values(Turn(number=1, clip="c", user_speech_end_ns=10_000 * MS)).values()) == {None}


def test_an_agent_that_cuts_in_has_negative_waits() -> None:
    early = dataclasses.replace(
        ANSWERED,
        speech_stopped_ns=9_400 * MS,
        first_audio_ns=9_500 * MS,
        first_text_ns=9_450 * MS,
        response_created_ns=9_410 * MS,
        audible_ns=9_700 * MS,
        response_done_ns=9_900 * MS,
    )

    assert values(early)["voice_to_voice_ms"] == -300
    assert values(early)["endpoint_delay_ms"] == -600
    assert values(early)["first_text_ms"] == -550
    assert values(early)["response_done_ms"] == -100
    assert identity_error_ms(early) == 0


def test_the_identity_holds_where_the_parts_make_the_whole() -> None:
    assert identity_error_ms(ANSWERED) == 0


def test_a_mistake_in_any_part_shows_in_the_identity_with_its_sign() -> None:
    assert identity_error_ms(dataclasses.replace(ANSWERED, audible_ns=11_003 * MS)) == 3
    assert identity_error_ms(dataclasses.replace(ANSWERED, leading_silence_ms=125.0)) == -5
    assert identity_error_ms(dataclasses.replace(ANSWERED, playout_wait_ms=0.0)) == 80


@pytest.mark.parametrize(
    "missing",
    ["speech_stopped_ns", "first_audio_ns", "leading_silence_ms", "playout_wait_ms", "audible_ns"],
)
def test_the_identity_needs_all_its_parts(missing) -> None:
    assert identity_error_ms(dataclasses.replace(ANSWERED, **{missing: None})) is None
