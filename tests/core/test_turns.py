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
    counts = {"number", "chunks", "underrun_count", "hold_pauses", "false_cutoffs"}
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
