"""What the parts of a call took, beside what they may take."""

from __future__ import annotations

import math

import pytest

from rtbench.analysis.latency_budget import BudgetPart, summarise_budget


def turn(number: int, **columns: object) -> dict[str, object]:
    return {
        "session": f"s{number % 10}", "kind": "spoken", "frame_late_max_ms": 2.0, "playout_wait_ms": 10.0,
        "speech_stop_to_first_audio_ms": 400.0 + number, "voice_to_voice_ms": 900.0, **columns,
    }  # fmt: skip


@pytest.fixture
def parts(make_rows, make_turns, make_sessions):
    """The budget of turns in ten sessions, by the names of its parts."""

    def make(*turns: dict[str, object], **session: float | None) -> dict[str, BudgetPart]:
        session = session or {"tcp_ms": 30.0}
        sessions = make_sessions(*[{"session": f"s{number}", **session} for number in range(10)])
        rows = make_rows(make_turns(*turns), sessions)
        return {part.name: part for part in summarise_budget(rows)}

    return make


def test_four_parts_stand_beside_what_they_may_take(parts) -> None:
    found = parts(*map(turn, range(100)))
    assert {
        name: (part.limit_ms, part.taken.p50.value, part.within.value) for name, part in found.items()
    } == {
        "audio input": (50.0, 2.0 + 15.0, 1.0),
        "model": (500.0, 449.0, 1.0),
        "audio output": (50.0, 10.0, 1.0),
        "speech to speech": (800.0, 900.0, 0.0),
    }
    assert found["model"].taken.p95.value == 494.0


def test_a_part_that_takes_as_much_as_it_may_is_not_below(parts) -> None:
    model = parts(*[turn(n, speech_stop_to_first_audio_ms=499.9 if n < 5 else 500.0) for n in range(20)])[
        "model"
    ]
    assert model.within.value == 0.25


def test_the_round_trip_during_the_call_goes_before_the_one_of_its_beginning(parts) -> None:
    found = parts(*map(turn, range(20)), tcp_ms=30.0, round_trip_ms=80.0)["audio input"]
    assert found.taken.p50.value == 42.0


def test_without_a_round_trip_there_is_no_audio_input(parts) -> None:
    found = parts(*map(turn, range(20)), tcp_ms=None)
    assert (found["audio input"].taken.n, found["model"].taken.n) == (0, 20)


def test_turns_in_writing_send_no_audio_and_void_ones_count_for_nothing(parts) -> None:
    turns = [turn(n, kind="written" if n < 5 else "spoken", void=n >= 15) for n in range(20)]
    found = parts(*turns)
    assert (found["audio input"].taken.n, found["model"].taken.n) == (10, 15)


def test_a_turn_that_was_never_answered_is_in_speech_to_speech_and_not_below(parts) -> None:
    lost = {"voice_to_voice_ms": None, "speech_stop_to_first_audio_ms": None, "outcome": "no_answer"}
    turns = [turn(n, **(lost if n < 5 else {"voice_to_voice_ms": 700.0})) for n in range(20)]
    found = parts(*turns)
    assert (found["speech to speech"].taken.unanswered, found["speech to speech"].within.value) == (5, 0.75)
    assert found["speech to speech"].taken.mean == math.inf
    assert found["model"].taken.n == 15


def test_turns_with_a_tool_call_are_not_mixed_in_and_stand_alone_where_there_are_no_others(parts) -> None:
    turns = [turn(n, tool=n < 10) for n in range(30)]
    assert {(part.taken.n, part.taken.group) for part in parts(*turns).values()} == {(20, "without_tool")}
    assert {(part.taken.n, part.taken.group) for part in parts(*turns[:10]).values()} == {(10, "with_tool")}


def test_a_run_of_which_no_part_is_known_has_no_budget(make_rows) -> None:
    assert summarise_budget(make_rows()) == []
