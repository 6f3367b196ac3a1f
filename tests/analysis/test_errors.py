from rtbench.analysis.errors import count_errors


def test_errors_are_counted_by_class_where_they_were_met_and_what_they_ended(
    make_turns, make_sessions
) -> None:
    turns = make_turns({"error_class": "answer_timeout"}, {"error_class": ""}, {"error_class": "closed_1006"})
    sessions = make_sessions(
        {"errors": '{"closed_1006": 1, "rate_limit": 2}', "error_class": "closed_1006"},
        {"errors": '{"rate_limit": 3}'},
        {"errors": "{}"},
        {"errors": None, "error_class": None},
    )
    counts = count_errors(turns, sessions)
    assert counts.reported == {"rate_limit": 5, "closed_1006": 1}
    assert counts.turns == {"answer_timeout": 1, "closed_1006": 1}
    assert counts.sessions == {"closed_1006": 1}
    assert counts.classes == ["rate_limit", "closed_1006", "answer_timeout"]


def test_equal_accounts_of_many_sessions_count_each(make_turns, make_sessions) -> None:
    sessions = make_sessions(*[{"errors": '{"rate_limit": 2}'}] * 50)
    assert count_errors(make_turns({}), sessions).reported == {"rate_limit": 100}


def test_a_run_without_errors_has_no_class(make_turns, make_sessions) -> None:
    assert count_errors(make_turns({}), make_sessions({})).classes == []
