from rtbench.analysis.worst import worst_turns

S = 1_000_000_000


def _waits(*waits: float) -> list[dict[str, object]]:
    return [{"session": f"s{wait:.0f}", "voice_to_voice_ms": wait} for wait in waits]


def test_the_slowest_answers_come_worst_first(make_turns) -> None:
    worst = worst_turns(make_turns(*_waits(3, 9, 1, 7, 8, 2)))
    assert worst["voice_to_voice_ms"].tolist() == [9, 8, 7, 3, 2]


def test_unanswered_turns_stand_before_them_the_longest_of_each_kind(make_turns) -> None:
    silent = [
        {"session": "dropped", "outcome": "dropped", "closed_ns": 1 * S},
        {"session": "short", "outcome": "no_answer", "closed_ns": 10 * S},
        {"session": "long", "outcome": "no_answer", "closed_ns": 15 * S},
        {"session": "failed", "outcome": "failed", "closed_ns": 0},
    ]
    worst = worst_turns(make_turns(*_waits(1, 2, 3, 4), *silent))
    assert worst["session"].tolist() == ["long", "dropped", "s4", "s3", "s2"]


def test_void_turns_and_those_that_ask_for_no_answer_are_not_shown(make_turns) -> None:
    turns = make_turns(
        *_waits(1),
        {"voice_to_voice_ms": 9.0, "void": True},
        {"outcome": "no_answer", "expects_answer": False},
    )
    assert worst_turns(turns)["session"].tolist() == ["s1"]


def test_a_run_without_turns_has_no_worst_ones(make_turns) -> None:
    assert worst_turns(make_turns()).empty
