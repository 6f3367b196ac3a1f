"""Faults of the line as a profile writes them."""

from __future__ import annotations

import random

import pytest
from pydantic_core import PydanticCustomError

from rtbench.emulator.line_faults import LINE_FAULTS, objection, parse_line_fault, parse_orders


def test_a_fault_may_be_written_as_its_main_setting() -> None:
    close = parse_line_fault("close", 1011)

    assert (close.kind, close.when, close.rate, close.most) == ("close", "before_answer", 1.0, None)
    assert close.settings == {"code": 1011}


def test_or_as_a_mapping_with_more() -> None:
    written = {"status": 429, "retry_after": "2 s", "rate": 0.5, "most": 3, "model": "m"}
    refusal = parse_line_fault("refusal", written)

    assert (refusal.when, refusal.rate, refusal.most) == ("door", 0.5, 3)
    assert refusal.settings == {"status": 429, "retry_after": 2.0, "model": "m", "at": ""}


def test_what_takes_time_is_written_as_a_delay() -> None:
    assert parse_line_fault("late_session", "800 ms").lasts.draw_ms(random.Random(1)) == 800
    assert parse_line_fault("stall", {"delay": "2 s", "rate": 0.1}).lasts.draw_ms(random.Random(1)) == 2_000
    forever = parse_line_fault("stall", 0.2)
    assert (forever.lasts, forever.rate) == (None, 0.2)


@pytest.mark.parametrize(
    ("name", "written", "sentence"),
    [
        ("close", 1010, "must not be 1010"),
        ("close", {"when": "mid_answer"}, "must have code"),
        ("close", {"code": 1011, "wen": "setup"}, "unknown key 'wen'"),
        ("close", {"code": 1011, "when": "door"}, "must not be 'door'"),
        ("refusal", 418, "must not be 418"),
        ("reset", 2, "must be a number from 0 to 1, not 2"),
        ("error_event", "oops", "must not be 'oops'"),
        ("late_session", {"rate": 0.1}, "must have delay"),
        ("refusal", {"status": 429, "retry_after": 3}, "a duration needs its unit"),
    ],
)
def test_what_is_wrong_is_told_in_words(name: str, written, sentence: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_line_fault(name, written)

    assert sentence in caught.value.message()


@pytest.mark.parametrize(
    ("name", "written", "refused_over"),
    [
        ("lost_packets", 5, "websocket"),
        ("close_channel", 1.0, "websocket"),
        ("refuse", {"at": "key"}, "websocket"),
        ("vanish", 1.0, ""),
        ("refuse", 1.0, ""),
    ],
)
def test_a_fault_without_meaning_on_a_transport_says_so(name: str, written, refused_over: str) -> None:
    found = parse_line_fault(name, written)

    assert [over for over in ("websocket", "webrtc") if objection(found, over)] == [refused_over][
        : bool(refused_over)
    ]


@pytest.mark.parametrize(
    ("name", "written", "sign"),
    [
        ("late_session", "1 s", "session.created"),
        ("no_session", 1.0, "session.created"),
        ("error_event", "server_error", "error"),
        ("response_failed", "server_error", "response.done"),
        ("response_incomplete", "content_filter", "response.done"),
        ("stale_events", 1.0, "response.done"),
        ("unknown_event", 1.0, "rtbench.unheard_of"),
    ],
)
def test_a_fault_whose_only_sign_is_kept_back_cannot_be_seen(name: str, written, sign: str) -> None:
    found = parse_line_fault(name, written)

    assert objection(found, "webrtc") == ""
    assert f"known by {sign} alone" in objection(found, "webrtc", filtered=True)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *[("close", 1012), ("reset", 1.0), ("vanish", 1.0), ("close_channel", 1.0)],
        *[("stall", "1 s"), ("odd_audio", 1.0), ("lost_packets", 5)],
        *[("duplicate_events", 1.0), ("invalid_json", 1.0), ("oversized", 2)],
        *[("refuse", 1.0), ("refusal", 503), ("slow_upgrade", "1 s")],
    ],
)
def test_a_fault_that_is_heard_missed_or_loses_the_line_is_seen_behind_a_filter(name: str, written) -> None:
    assert objection(parse_line_fault(name, written), "webrtc", filtered=True) == ""


def test_every_kind_has_a_moment_of_its_own() -> None:
    assert all(kind.moments for kind in LINE_FAULTS.values())


@pytest.mark.parametrize("written", [None, "x", {"no_such": 1}, {"close": "soon"}, {"stall": {"colour": 1}}])
def test_an_order_that_is_none_is_passed_over(written) -> None:
    assert list(parse_orders(written)) == []


def test_of_several_orders_those_that_can_be_read_are_taken() -> None:
    found = list(parse_orders({"close": "soon", "reset": 1, "lost_packets": 3}))

    assert [each.kind for each in found] == ["reset", "lost_packets"]
