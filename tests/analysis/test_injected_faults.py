"""What was injected in a run made by hand, beside what its callers saw of it."""

from __future__ import annotations

import json

import pytest

from rtbench.analysis.injected import Injected
from rtbench.analysis.injected_faults import injected_faults


@pytest.fixture
def injected(broken_run):
    def make(**rows) -> list[Injected]:
        return injected_faults(broken_run(**rows))

    return make


def test_a_fault_is_found_in_its_own_session_and_under_its_own_class(injected, fault, outage) -> None:
    found = injected(
        incidents=[
            outage("s1", "sess_1", "closed_1011"),
            outage("s2", "sess_2", "closed_1012"),
            outage("s3", "sess_9", "closed_1011"),
        ],
        faults=[fault("close", f"sess_{n}", "1011", "r") for n in (1, 2, 3)],
    )

    (close,) = found
    assert (close.injected, close.found, close.seen_as) == (3, 1, "closed_1011")


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
def test_errors_that_lose_nothing_are_found_among_the_mishaps(
    injected, kind, setting, error_class, fault
) -> None:
    seen = {"session": "s", "session_id": "sess_1", "error_class": error_class, "phase": "waiting"}
    found = injected(mishaps=[seen], faults=[fault(kind, "sess_1", setting)])

    assert (found[0].found, found[0].seen_as) == (1, error_class)


def test_what_an_answer_suffered_is_found_in_its_turn(injected, fault) -> None:
    found = injected(
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

    assert [(each.kind, each.found) for each in found] == [
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
    injected, kind, setting, error_class, fault
) -> None:
    seen = {"session": "s", "session_id": "sess_1", "error_class": error_class, "phase": "waiting"}
    other = {**seen, "session_id": "sess_7", "error_class": "closed_1011"}
    ends = [fault(kind, name, setting, response_id="r") for name in ("sess_1", "sess_7")]
    found = injected(sessions=[{"transport": "webrtc"}], mishaps=[seen, other], faults=ends)

    assert [(each.injected, each.found) for each in found] == [(2, 1)]
    assert error_class in found[0].seen_as


def test_behind_a_filter_of_events_no_session_has_a_name_and_what_was_seen_is_matched_by_number(
    injected, fault, outage
) -> None:
    unnamed = {"session": "s", "session_id": None, "phase": "waiting"}
    found = injected(
        sessions=[{"transport": "webrtc", "session_id": None}],
        mishaps=[{**unnamed, "error_class": name} for name in ("protocol_error", "closed_1000")],
        incidents=[outage("s1", None, "message_too_big")],
        faults=[
            *[fault("invalid_json", name) for name in ("sess_1", "sess_2")],
            fault("close", "sess_3", "1012"),  # in its set-up, and its reason is an event that is kept back
            fault("oversized", "sess_4", "9 bytes"),
        ],
    )

    assert {each.kind: (each.injected, each.found) for each in found} == {
        "invalid_json": (2, 1),
        "close": (1, 1),
        "oversized": (1, 1),
    }


def test_a_session_that_ended_in_its_setup_had_no_name_yet(injected, fault) -> None:
    seen = {"session": "s", "session_id": "", "error_class": "closed_1011", "phase": "setup"}
    found = injected(sessions=[{}], mishaps=[seen], faults=[fault("close", "sess_1", "1011")] * 2)

    assert [(each.injected, each.found) for each in found] == [(2, 1)]


def test_at_the_door_of_calls_a_request_for_a_key_and_an_offer_are_told_apart(injected, fault) -> None:
    found = injected(
        sessions=[{"transport": "webrtc", "key_ms": 750.0}, {"transport": "webrtc", "sdp_ms": 20.0}],
        mishaps=[
            {"session": "s", "error_class": f"{phase}_503", "phase": "handshake"} for phase in ("key", "sdp")
        ],
        faults=[*[fault("refusal", setting="503")] * 2, *[fault("slow_upgrade", setting="700 ms")] * 2],
    )

    assert {each.kind: (each.found, each.seen_as) for each in found} == {
        "refusal": (2, "key_503 or sdp_503"),
        "slow_upgrade": (1, "key_ms, sdp_ms, or a try as long"),
    }


def test_packets_that_were_lost_are_found_where_the_answer_had_a_hole(injected, fault) -> None:
    found = injected(
        turns=[
            {"response_id": "r1", "chunk_gap_max_ms": 101.0},
            {"response_id": "r2", "chunk_gap_max_ms": 41.0},
        ],
        faults=[fault("lost_packets", "x", "4", name) for name in ("r1", "r2")],
    )

    assert [(each.injected, each.found) for each in found] == [(2, 1)]


def test_refusals_have_no_session_and_are_matched_by_number(injected, fault) -> None:
    found = injected(
        sessions=[{"rate_limited": 2}],
        mishaps=[{"session": "s", "error_class": "upgrade_503", "phase": "handshake"}],
        faults=[*[fault("refusal", setting="503")] * 2, *[fault("refusal", setting="429")] * 2],
    )

    assert {each.setting: (each.injected, each.found) for each in found} == {
        "429": (2, 2),
        "503": (2, 1),
    }


def test_a_slow_upgrade_and_a_late_session_are_found_on_later_connections_too(
    injected, fault, outage
) -> None:
    again = {
        **outage("s1", "a", "connection_lost"),
        "connected_ns": 2_000_000_000,
        "created_ns": 2_800_000_000,
        "attempts": '[{"begun_ns": 1000000000, "over_ns": 1750000000}, {"begun_ns": 1, "over_ns": null}]',
    }
    found = injected(
        sessions=[{"upgrade_ms": 3.0, "session_created_ms": 4.0}],
        incidents=[again],
        faults=[fault("slow_upgrade", setting="700 ms"), fault("late_session", setting="800 ms")],
    )

    assert {each.kind: (each.injected, each.found) for each in found} == {
        "late_session": (1, 1),
        "slow_upgrade": (1, 1),
    }


def test_slow_answers_before_a_refusal_are_found_and_two_in_one_try_are_two(injected, fault, outage) -> None:
    tries = [
        {"begun_ns": 0, "over_ns": 760_000_000, "error_class": "sdp_429"},
        {"begun_ns": 0, "over_ns": 1_480_000_000, "error_class": "sdp_503"},
        {"begun_ns": 0, "over_ns": 760_000_000, "error_class": ""},  # its session tells of this one
    ]
    found = injected(
        sessions=[{"transport": "webrtc", "key_ms": 5.0, "sdp_ms": 740.0}],
        incidents=[
            outage("s1", "", "sdp_429", kind="refusal", attempts=json.dumps(tries), transport="webrtc")
        ],
        faults=[fault("slow_upgrade", setting="700 ms")] * 5,
    )

    assert [(each.injected, each.found) for each in found] == [(5, 4)]


def test_a_try_over_a_websocket_makes_one_request_however_long_it_takes(injected, fault, outage) -> None:
    tries = [{"begun_ns": 0, "over_ns": 1_480_000_000, "error_class": "upgrade_503"}]
    found = injected(
        sessions=[{"upgrade_ms": 5.0}],
        incidents=[
            outage("s1", "", "upgrade_503", kind="refusal", attempts=json.dumps(tries), transport="websocket")
        ],
        faults=[fault("slow_upgrade", setting="700 ms")] * 2,
    )

    assert [(each.injected, each.found) for each in found] == [(2, 1)]


def test_answers_that_never_came_are_found_in_their_sessions(injected, fault) -> None:
    silent = {"outcome": "no_answer", "error_class": "answer_timeout"}
    found = injected(
        turns=[{"session_id": "a", **silent}, {"session_id": "b"}, {"session_id": "c", **silent}],
        faults=[fault("no_answer", name) for name in ("a", "a", "b")],
    )

    assert [(each.injected, each.found, each.seen_as) for each in found] == [(3, 1, "no_answer")]


@pytest.mark.parametrize(
    ("kind", "setting", "shows", "hides"),
    [
        ("late_answer", "300 ms", {"first_audio_ms": 450.0}, {"first_audio_ms": 200.0}),
        ("late_answer", "300 ms", {"outcome": "no_answer"}, {"first_audio_ms": 200.0}),
        ("cut_in", "400 ms", {"cut_in": 1.0}, {"cut_in": 0.0}),
        (
            "no_slot",
            "rate_limit_exceeded",
            {"error_class": "rate_limit_exceeded"},
            {"error_class": "server_error"},
        ),
    ],
)
def test_what_the_service_did_to_an_answer_is_found_in_its_turn(
    injected, kind, setting, shows, hides, fault
) -> None:
    found = injected(
        turns=[{"response_id": "r1", **shows}, {"response_id": "r2", **hides}],
        faults=[fault(kind, "sess_1", setting, name) for name in ("r1", "r2")],
    )

    assert [(each.injected, each.found) for each in found] == [(2, 1)]


@pytest.mark.parametrize(
    ("kind", "setting", "shows", "hides"),
    [
        ("late_cancel", "300 ms", {"barge_in_server_stop_ms": 380.0}, {"barge_in_server_stop_ms": 80.0}),
        ("stale_audio", "200 ms", {"stale_audio_ms": 200.0}, {"stale_audio_ms": 0.0}),
        ("detection_delay", "300 ms", {"barge_in_detect_ms": 400.0}, {"barge_in_detect_ms": 90.0}),
        ("missed_interruption", "", {"yielded": None}, {"yielded": 1.0}),
        ("truncation_rejected", "", {"truncation_rejected": 1.0}, {"truncation_rejected": 0.0}),
    ],
)
def test_what_the_service_did_when_it_was_spoken_to_is_found_in_the_stimulus(
    injected, kind, setting, shows, hides, fault
) -> None:
    found = injected(
        stimuli=[{"response_id": "r1", **shows}, {"response_id": "r2", **hides}],
        faults=[fault(kind, "sess_1", setting, name) for name in ("r1", "r2", "r3")],
    )

    assert [(each.injected, each.found) for each in found] == [(3, 1)], "r3 was never spoken into"


def test_a_session_that_expired_is_found_by_its_error(injected, fault) -> None:
    seen = {"session": "s", "session_id": "a", "error_class": "session_expired", "phase": "idle"}
    found = injected(mishaps=[seen], faults=[fault("expiry", name, "60 s") for name in ("a", "b")])

    assert [(each.injected, each.found, each.seen_as) for each in found] == [(2, 1, "session_expired")]


def test_a_refusal_for_want_of_room_and_one_on_purpose_look_alike_and_are_each_found_once(
    injected, fault
) -> None:
    seen = {"session": "s", "error_class": "upgrade_503", "phase": "handshake"}
    found = injected(
        sessions=[{"rate_limited": 1}],
        mishaps=[seen] * 3,
        faults=[
            *[fault("capacity", setting="503")] * 2,
            *[fault("refusal", setting="503")] * 2,
            fault("capacity", setting="429"),
        ],
    )

    assert {(each.kind, each.setting): (each.injected, each.found) for each in found} == {
        ("capacity", "429"): (1, 1),
        ("capacity", "503"): (2, 2),
        ("refusal", "503"): (2, 1),
    }


def test_lost_packets_are_found_by_their_numbers_however_late_those_around_them_came(injected, fault) -> None:
    found = injected(
        sessions=[{"session_id": "a", "packets_lost": 8}, {"session_id": "b", "packets_lost": 5}],
        turns=[{"response_id": "r3", "chunk_gap_max_ms": 75.0}],
        faults=[
            fault("lost_packets", "a", "4", "r1"),
            fault("lost_packets", "a", "4", "r2"),
            fault("lost_packets", "b", "4", "r3"),
            fault("lost_packets", "b", "4", "r4"),
        ],
    )

    assert [(each.injected, each.found) for each in found] == [(4, 2)]


def test_times_that_were_drawn_are_one_row(injected, fault) -> None:
    found = injected(
        turns=[{"response_id": f"r{n}", "first_audio_ms": 350.0} for n in range(4)],
        faults=[fault("late_answer", "a", f"{100.5 * (n + 1):g} ms", f"r{n}") for n in range(4)],
    )

    assert [(each.setting, each.injected, each.found) for each in found] == [("100 to 402 ms", 4, 3)]
