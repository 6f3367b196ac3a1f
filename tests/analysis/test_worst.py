from rtbench.analysis.worst import worst_stimuli, worst_turns

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


def test_missed_interruptions_come_before_slow_stops_and_those_before_disturbances_that_worked(
    make_stimuli,
) -> None:
    stimuli = make_stimuli(
        {"session": "quick", "barge_in_heard_stop_ms": 200.0, "yielded": 1.0},
        {"session": "cough", "kind": "cough", "false_interruption": 1.0},
        {"session": "slow", "barge_in_heard_stop_ms": 1900.0, "yielded": 1.0},
        {"session": "missed", "barge_in_heard_stop_ms": 9000.0, "yielded": 0.0},
        {"session": "never", "barge_in_heard_stop_ms": None, "yielded": 0.0},
        {"session": "ignored", "kind": "cough", "false_interruption": 0.0},
        {"session": "late", "barge_in_heard_stop_ms": 5000.0, "yielded": 0.0, "void": True},
    )
    assert worst_stimuli(stimuli)["session"].tolist() == ["never", "missed", "slow", "quick", "cough"]


def test_slow_stops_leave_no_room_for_disturbances(make_stimuli) -> None:
    stops = [{"barge_in_heard_stop_ms": float(ms), "yielded": 1.0} for ms in range(1, 8)]
    stimuli = make_stimuli(*stops, {"kind": "cough", "false_interruption": 1.0})
    assert worst_stimuli(stimuli)["barge_in_heard_stop_ms"].tolist() == [7, 6, 5, 4, 3]
    assert worst_stimuli(make_stimuli()).empty
