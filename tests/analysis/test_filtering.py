"""Rows by filters."""

from rtbench.analysis.filtering import filtered
from rtbench.scenario.threshold_filter import Filter


def test_turns_are_taken_that_every_filter_admits(make_turns, make_rows) -> None:
    turns = make_turns(
        *[{"tool": n % 2 == 0, "kind": "spoken", "concurrency": n, "number": n} for n in range(6)]
    )
    kept = filtered(make_rows(turns), [Filter("tool", "=", "true"), Filter("concurrency", ">=", "2")])
    assert list(kept.turns["number"]) == [2, 4]


def test_a_scenario_is_taken_out_of_every_table(make_turns, make_sessions, make_rows) -> None:
    both = [{"scenario": "a"}, {"scenario": "b"}]
    kept = filtered(make_rows(make_turns(*both), make_sessions(*both)), [Filter("scenario", "=", "b")])
    assert (len(kept.turns), len(kept.sessions)) == (1, 1)


def test_what_is_said_of_the_run_takes_no_rows_away(make_turns, make_rows) -> None:
    rows = make_rows(make_turns({}, {}))
    assert len(filtered(rows, [Filter("target", "=", "elsewhere")]).turns) == 2
