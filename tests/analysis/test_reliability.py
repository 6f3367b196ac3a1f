"""Reliability of a run made by hand: outages, errors, and what was injected beside what was seen."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.reliability import Reliability, summarise_reliability
from rtbench.results import schema
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory


def frame(columns, *rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.names)


@pytest.fixture
def summarised(make_turns, make_sessions):
    def make(turns=(), sessions=(), incidents=(), mishaps=(), faults=()) -> Reliability | None:
        run = Run(
            directory=RunDirectory(Path("x")),
            provenance={},
            turns=make_turns(*turns),
            sessions=make_sessions(*sessions),
            stimuli=pd.DataFrame(),
            generator=pd.DataFrame(),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
            incidents=frame(schema.INCIDENTS, *incidents),
            mishaps=frame(schema.MISHAPS, *mishaps),
            faults=pd.DataFrame(list(faults)),
        )
        return summarise_reliability(run)

    return make


def fault(kind: str, session_id: str = "", setting: str = "", response_id: str = "") -> dict:
    return {
        "kind": kind,
        "at_ns": 1,
        "session_id": session_id,
        "response_id": response_id,
        "setting": setting,
    }


def outage(session: str, before: str, error_class: str, **fields) -> dict:
    return {
        "session": session, "session_before": before, "error_class": error_class, "kind": "drop", "injected": "",
        "outcome": "recovered", "recovered": 1.0, **fields,
    }  # fmt: skip


def test_a_run_in_which_nothing_broke_has_no_such_section(summarised) -> None:
    assert summarised(sessions=[{}]) is None


def test_outages_are_counted_by_outcome_and_rotations_apart(summarised) -> None:
    found = summarised(
        incidents=[
            outage("s1", "a", "closed_1011", reconnect_ms=1_100.0, recovery_ms=4_000.0),
            outage("s2", "b", "connection_lost", outcome="gave_up", recovered=0.0),
            outage("s3", "c", "", kind="rotation", recovered=None),
        ]
    )

    assert found.incidents == {"recovered": 1, "gave_up": 1, "rotation": 1}
    assert {metric.name: (metric.n, metric.mean) for metric in found.metrics if metric.n} == {
        "reconnect_ms": (1, 1_100.0),
        "recovery_ms": (1, 4_000.0),
    }
    assert found.recovered.n == 2


def test_errors_are_counted_by_class_and_phase(summarised) -> None:
    found = summarised(
        mishaps=[
            {"session": "s", "error_class": "server_error", "phase": "waiting"},
            {"session": "s", "error_class": "server_error", "phase": "waiting"},
            {"session": "s", "error_class": "upgrade_503", "phase": "handshake"},
        ]
    )

    assert found.errors.to_dict("records") == [
        {"error_class": "server_error", "phase": "waiting", "count": 2},
        {"error_class": "upgrade_503", "phase": "handshake", "count": 1},
    ]


def test_a_fault_is_found_in_its_own_session_and_under_its_own_class(summarised) -> None:
    found = summarised(
        incidents=[
            outage("s1", "sess_1", "closed_1011"),
            outage("s2", "sess_2", "closed_1012"),
            outage("s3", "sess_9", "closed_1011"),
        ],
        faults=[fault("close", f"sess_{n}", "1011") for n in (1, 2, 3)],
    )

    (close,) = found.injected
    assert (close.injected, close.found, close.seen_as) == (3, 1, "closed_1011")
    assert not found.all_found


@pytest.mark.parametrize(
    ("kind", "setting", "error_class"),
    [
        ("error_event", "overloaded", "overloaded"),
        ("duplicate_events", "", "duplicate_event"),
        ("stale_events", "", "stale_event"),
        ("unknown_event", "", "unknown_event"),
        ("invalid_json", "", "protocol_error"),
        ("odd_audio", "", "odd_audio"),
    ],
)
def test_errors_that_lose_nothing_are_found_among_the_mishaps(summarised, kind, setting, error_class) -> None:
    seen = {"session": "s", "session_id": "sess_1", "error_class": error_class, "phase": "waiting"}
    found = summarised(mishaps=[seen], faults=[fault(kind, "sess_1", setting)])

    assert (found.injected[0].found, found.injected[0].seen_as) == (1, error_class)
    assert found.all_found


def test_what_an_answer_suffered_is_found_in_its_turn(summarised) -> None:
    found = summarised(
        turns=[
            {"response_id": "r1", "error_class": "server_error", "outcome": "failed"},
            {"response_id": "r2", "response_reason": "content_filter"},
            {"response_id": "r3", "chunk_gap_max_ms": 650.0},
        ],
        faults=[
            fault("response_failed", "x", "server_error", "r1"),
            fault("response_incomplete", "x", "content_filter", "r2"),
            fault("stall", "x", "", "r3"),
        ],
    )

    assert [(each.kind, each.found) for each in found.injected] == [
        ("response_failed", 1),
        ("response_incomplete", 1),
        ("stall", 1),
    ]


def test_refusals_have_no_session_and_are_matched_by_number(summarised) -> None:
    found = summarised(
        sessions=[{"rate_limited": 2}],
        mishaps=[{"session": "s", "error_class": "upgrade_503", "phase": "handshake"}],
        faults=[*[fault("refusal", setting="503")] * 2, *[fault("refusal", setting="429")] * 2],
    )

    assert {each.setting: (each.injected, each.found) for each in found.injected} == {
        "429": (2, 2),
        "503": (2, 1),
    }


def test_a_slow_upgrade_and_a_late_session_are_found_on_later_connections_too(summarised) -> None:
    again = {
        **outage("s1", "a", "connection_lost"),
        "connected_ns": 2_000_000_000,
        "created_ns": 2_800_000_000,
        "attempts": '[{"begun_ns": 1000000000, "over_ns": 1750000000}, {"begun_ns": 1, "over_ns": null}]',
    }
    found = summarised(
        sessions=[{"upgrade_ms": 3.0, "session_created_ms": 4.0}],
        incidents=[again],
        faults=[fault("slow_upgrade", setting="700 ms"), fault("late_session", setting="800 ms")],
    )

    assert {each.kind: (each.injected, each.found) for each in found.injected} == {
        "late_session": (1, 1),
        "slow_upgrade": (1, 1),
    }


def test_a_cut_after_which_nothing_was_missed_is_told_apart(summarised) -> None:
    found = summarised(
        sessions=[{"cuts": 2, "cuts_unseen": 1}],
        incidents=[outage("s1", "a", "connection_lost", injected="reset")],
    )

    assert [(each.setting, each.injected, each.found) for each in found.injected] == [
        ("", 1, 1),
        ("at a call's end", 1, 1),
    ]


def test_a_cut_that_nobody_noticed_is_told_where_nothing_else_happened(summarised) -> None:
    (drop,) = summarised(sessions=[{"cuts": 1}]).injected
    assert (drop.side, drop.injected, drop.found) == ("caller", 1, 0)


def test_a_cut_at_a_calls_end_is_no_other_one(summarised) -> None:
    (drop,) = summarised(sessions=[{"cuts": 1, "cuts_unseen": 1}]).injected
    assert (drop.setting, drop.injected, drop.found) == ("at a call's end", 1, 1)


def test_attempts_to_connect_are_those_of_the_incidents_table(summarised) -> None:
    found = summarised(
        sessions=[{"redials": 1}],
        incidents=[outage("s1", "", "upgrade_429", kind="refusal", incident_attempts=2.0)],
    )
    assert found.counts["attempts"] == 2


def test_what_the_caller_broke_has_to_be_noticed_by_the_caller(summarised) -> None:
    found = summarised(
        sessions=[{"cuts": 2}, {"cuts": 1}],
        incidents=[outage("s1", "a", "connection_lost", injected="reset")] * 2,
    )

    (drops,) = found.injected
    assert (drops.side, drops.injected, drops.found, drops.seen_as) == ("caller", 3, 2, "connection_lost")
