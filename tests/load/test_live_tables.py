"""What stands in the tables of Locust's page, counted by hand."""

from __future__ import annotations

import pytest
from hdrh.histogram import HdrHistogram

from rtbench.load.live_tables import GENERATOR, SESSIONS, TABS, TURNS, VERDICT, LiveTables


@pytest.fixture
def tables() -> LiveTables:
    return LiveTables()


def test_before_anything_has_happened(tables) -> None:
    shown = tables.shown()
    assert shown[TURNS.key] == shown[GENERATOR.key] == []
    assert shown[SESSIONS.key] == [{"what": "open now", "count": 0, "p50": "", "p95": ""}]
    assert shown[VERDICT.key] == [{"level": "VALID", "why": "Nothing has been sent yet"}]


def test_quantiles_are_exact_and_told_where_there_are_enough_turns(tables, turn_of) -> None:
    for wait_ms in range(100, 0, -1):
        tables.take("turns", turn_of(float(wait_ms)))
    assert tables.shown()[TURNS.key] == [
        {"kind": "spoken", "turns": 100, "heard": 100, "p50": "50", "p95": "95", "p99": "n/a (needs 299)", "longest": "100"}
    ]  # fmt: skip


def test_turns_with_a_tool_and_other_kinds_are_apart(tables, turn_of) -> None:
    tables.take("turns", turn_of(300))
    tables.take("turns", turn_of(900, tool=True))
    tables.take("turns", turn_of(500, kind="manual"))
    told = [(row["kind"], row["longest"]) for row in tables.shown()[TURNS.key]]
    assert told == [("manual", "500"), ("spoken", "300"), ("spoken, with a tool", "900")]


def test_a_turn_that_was_never_answered_is_the_longest(tables, turn_of) -> None:
    for wait_ms in (100, 200, None, None, None):
        tables.take("turns", turn_of(wait_ms, outcome="answered" if wait_ms else "no_answer"))
    [row] = tables.shown()[TURNS.key]
    assert (row["turns"], row["heard"], row["p50"], row["longest"]) == (5, 2, "never", "never")


def test_a_void_turn_counts_and_has_no_wait(tables, turn_of) -> None:
    tables.take("turns", turn_of(100, late_max_ms=30.0))
    [row] = tables.shown()[TURNS.key]
    assert (row["turns"], row["heard"], row["longest"]) == (1, 0, "-")


def test_sessions_by_how_they_ended_and_how_their_callers_came_back(
    tables, session_of, incident_of, stimulus_of, second_of
) -> None:
    for connect_ms in (10.0, 11.0, 12.0, 13.0, 14.0):
        tables.take("sessions", session_of("completed", connect_ms))
    tables.take("sessions", session_of("failed", None))
    tables.take("incidents", incident_of("recovered", recovery_ms=1500.0))
    tables.take("stimuli", stimulus_of("interrupt", stop_ms=250.0))
    tables.take("generator", second_of("w0", sessions=4))
    assert tables.shown()[SESSIONS.key] == [
        {"what": "open now", "count": 4, "p50": "", "p95": ""},
        {"what": "completed", "count": 5, "p50": "", "p95": ""},
        {"what": "failed", "count": 1, "p50": "", "p95": ""},
        {"what": "drop: recovered", "count": 1, "p50": "", "p95": ""},
        {"what": "connect", "count": 5, "p50": "12", "p95": "n/a (needs 59)"},
        {"what": "recovery", "count": 1, "p50": "n/a (needs 5)", "p95": "n/a (needs 59)"},
        {"what": "barge_in_heard_stop", "count": 1, "p50": "n/a (needs 5)", "p95": "n/a (needs 59)"},
    ]


def test_engines_stand_as_of_their_last_second(tables, second_of) -> None:
    tables.take("generator", second_of("w1", sessions=9))
    tables.take(
        "generator", second_of("w1", sessions=2, cpu_share=0.256, rss_bytes=123_400_000, loop_lag_max_ms=1.26)
    )
    tables.take("generator", second_of("w0", sessions=1, send_lateness_max_ms=0.44))
    first, second = tables.shown()[GENERATOR.key]
    assert (first["engine"], first["late"]) == ("w0", "0.4")
    assert second == {
        "engine": "w1", "sessions": 2, "cpu": "26%", "late": "0.0", "lag": "1.3", "pause": "0.0", "memory": 123,
    }  # fmt: skip


def test_the_verdict_tells_what_it_rests_upon(tables, second_of) -> None:
    histogram = HdrHistogram(1, 60_000_000, 3)
    histogram.record_value(900, 100)
    tables.take("generator", second_of("w0", send_lateness=histogram.encode().decode()))
    [valid] = tables.shown()[VERDICT.key]
    assert valid["level"] == "VALID"
    assert str(valid["why"]).startswith("99% of frames left at most 0.9 ms late (SUSPECT above 5, INVALID")
    tables.take("generator", second_of("w0", cpu_share=0.99, rows_written=3))
    invalid, *_ = tables.shown()[VERDICT.key]
    assert invalid == {"level": "INVALID", "why": "3 of 3 rows of turns and sessions were lost"}


def test_a_run_after_another_begins_with_nothing(tables, turn_of, session_of, second_of) -> None:
    empty = tables.shown()
    tables.take("turns", turn_of(100))
    tables.take("sessions", session_of("completed"))
    tables.take("generator", second_of("w0", sessions=1))
    tables.begin()
    assert tables.shown() == empty


def test_rows_have_the_columns_of_their_tab(tables, turn_of, session_of, second_of) -> None:
    tables.take("turns", turn_of(100))
    tables.take("sessions", session_of("completed"))
    tables.take("generator", second_of("w0", sessions=1))
    for tab in TABS:
        rows = tables.shown()[tab.key]
        assert rows
        assert all(row.keys() == tab.columns.keys() for row in rows)


def test_keys_are_plain_words_as_the_page_rewrites_others() -> None:
    keys = [tab.key for tab in TABS] + [key for tab in TABS for key in tab.columns]
    assert all(key.isalnum() and key.islower() for key in keys)
    assert all("name" not in tab.columns for tab in TABS)  # by which the page would sort the rows
