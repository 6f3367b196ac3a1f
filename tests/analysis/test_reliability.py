"""Reliability of a run made by hand: outages, errors, and what was injected beside what was seen."""

from __future__ import annotations

import json
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
        faults=[fault("close", f"sess_{n}", "1011", "r") for n in (1, 2, 3)],
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


@pytest.mark.parametrize(
    ("kind", "setting", "error_class"),
    [
        ("close", "1011", "internal_error"),
        ("close", "1000", "closed_1000"),
        ("restart", "1012", "service_restart"),
        ("reset", "1006", "no_sign_of_life"),
        ("reset", "1006", "connection_lost"),
        ("vanish", "", "no_sign_of_life"),
        ("close_channel", "", "closed_1000"),
    ],
)
def test_what_ended_a_call_over_webrtc_is_found_by_what_stands_for_its_code(
    summarised, kind, setting, error_class
) -> None:
    seen = {"session": "s", "session_id": "sess_1", "error_class": error_class, "phase": "waiting"}
    other = {**seen, "session_id": "sess_7", "error_class": "closed_1011"}
    ends = [fault(kind, name, setting, response_id="r") for name in ("sess_1", "sess_7")]
    found = summarised(sessions=[{"transport": "webrtc"}], mishaps=[seen, other], faults=ends)

    assert [(each.injected, each.found) for each in found.injected] == [(2, 1)]
    assert error_class in found.injected[0].seen_as


def test_behind_a_filter_of_events_no_session_has_a_name_and_what_was_seen_is_matched_by_number(
    summarised,
) -> None:
    unnamed = {"session": "s", "session_id": None, "phase": "waiting"}
    found = summarised(
        sessions=[{"transport": "webrtc", "session_id": None}],
        mishaps=[{**unnamed, "error_class": name} for name in ("protocol_error", "closed_1000")],
        incidents=[outage("s1", None, "message_too_big")],
        faults=[
            *[fault("invalid_json", name) for name in ("sess_1", "sess_2")],
            fault("close", "sess_3", "1012"),  # in its set-up, and its reason is an event that is kept back
            fault("oversized", "sess_4", "9 bytes"),
        ],
    )

    assert {each.kind: (each.injected, each.found) for each in found.injected} == {
        "invalid_json": (2, 1),
        "close": (1, 1),
        "oversized": (1, 1),
    }


def test_a_session_that_ended_in_its_setup_had_no_name_yet(summarised) -> None:
    seen = {"session": "s", "session_id": "", "error_class": "closed_1011", "phase": "setup"}
    found = summarised(sessions=[{}], mishaps=[seen], faults=[fault("close", "sess_1", "1011")] * 2)

    assert [(each.injected, each.found) for each in found.injected] == [(2, 1)]


def test_at_the_door_of_calls_a_request_for_a_key_and_an_offer_are_told_apart(summarised) -> None:
    found = summarised(
        sessions=[{"transport": "webrtc", "key_ms": 750.0}, {"transport": "webrtc", "sdp_ms": 20.0}],
        mishaps=[
            {"session": "s", "error_class": f"{phase}_503", "phase": "handshake"} for phase in ("key", "sdp")
        ],
        faults=[*[fault("refusal", setting="503")] * 2, *[fault("slow_upgrade", setting="700 ms")] * 2],
    )

    assert {each.kind: (each.found, each.seen_as) for each in found.injected} == {
        "refusal": (2, "key_503 or sdp_503"),
        "slow_upgrade": (1, "key_ms, sdp_ms, or a try as long"),
    }


def test_packets_that_were_lost_are_found_where_the_answer_had_a_hole(summarised) -> None:
    found = summarised(
        turns=[
            {"response_id": "r1", "chunk_gap_max_ms": 101.0},
            {"response_id": "r2", "chunk_gap_max_ms": 41.0},
        ],
        faults=[fault("lost_packets", "x", "4", name) for name in ("r1", "r2")],
    )

    assert [(each.injected, each.found) for each in found.injected] == [(2, 1)]


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


def test_slow_answers_before_a_refusal_are_found_and_two_in_one_try_are_two(summarised) -> None:
    tries = [
        {"begun_ns": 0, "over_ns": 760_000_000, "error_class": "sdp_429"},
        {"begun_ns": 0, "over_ns": 1_480_000_000, "error_class": "sdp_503"},
        {"begun_ns": 0, "over_ns": 760_000_000, "error_class": ""},  # its session tells of this one
    ]
    found = summarised(
        sessions=[{"transport": "webrtc", "key_ms": 5.0, "sdp_ms": 740.0}],
        incidents=[
            outage("s1", "", "sdp_429", kind="refusal", attempts=json.dumps(tries), transport="webrtc")
        ],
        faults=[fault("slow_upgrade", setting="700 ms")] * 5,
    )

    assert [(each.injected, each.found) for each in found.injected] == [(5, 4)]


def test_a_try_over_a_websocket_makes_one_request_however_long_it_takes(summarised) -> None:
    tries = [{"begun_ns": 0, "over_ns": 1_480_000_000, "error_class": "upgrade_503"}]
    found = summarised(
        sessions=[{"upgrade_ms": 5.0}],
        incidents=[
            outage("s1", "", "upgrade_503", kind="refusal", attempts=json.dumps(tries), transport="websocket")
        ],
        faults=[fault("slow_upgrade", setting="700 ms")] * 2,
    )

    assert [(each.injected, each.found) for each in found.injected] == [(2, 1)]


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
