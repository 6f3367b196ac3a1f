from dataclasses import fields
from typing import get_args

from rtbench.core.turns import Turn, TurnOutcome


def test_in_a_new_turn_nothing_has_happened() -> None:
    turn = Turn(number=1, clip="c")
    planned = {"user_speech_start_ns", "user_speech_end_ns", "closed_ns"}
    instants = {field.name for field in fields(Turn) if field.name.endswith("_ns")} - planned

    assert {getattr(turn, name) for name in instants} == {None}
    assert turn.outcome == "no_answer"
    assert (turn.kind, turn.tool, turn.expects_answer) == ("spoken", False, True)
    assert turn.leading_silence_ms is turn.playout_wait_ms is None


def test_every_number_says_its_unit() -> None:
    counts = {"number", "chunks", "underrun_count", "hold_pauses", "false_cutoffs", "connection"}
    for field in fields(Turn):
        if field.type in ("int", "float", "int | None", "float | None") and field.name not in counts:
            assert field.name.endswith(("_ns", "_ms", "_tokens")), field.name


def test_turns_of_one_session_share_no_state() -> None:
    first, second = Turn(number=1, clip="c"), Turn(number=1, clip="c")
    first.audible_ns = 5

    assert second.audible_ns is None


def test_the_outcomes_are_a_closed_list() -> None:
    assert get_args(TurnOutcome) == (
        "answered",
        "no_answer",
        "failed",
        "cancelled",
        "dropped",
        "interrupted",
        "not_asked",
    )


def test_a_turn_is_measured_until_the_last_that_arrived_of_its_answer() -> None:
    """However much later it is closed: then only does the caller who interrupted hang up."""
    turn = Turn(1, "c", user_speech_end_ns=100, first_audio_ns=150, audible_ns=160, closed_ns=900)
    assert turn.measured_until_ns == 160
    turn.last_audio_ns, turn.response_done_ns = 300, 310
    assert turn.measured_until_ns == 310
    turn.final_audible_ns = 400
    assert turn.measured_until_ns == 400


def test_a_turn_without_an_answer_is_measured_to_its_end() -> None:
    assert Turn(1, "c", user_speech_end_ns=100, first_audio_ns=150, closed_ns=900).measured_until_ns == 900
