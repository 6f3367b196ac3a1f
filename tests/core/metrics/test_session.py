import dataclasses
from collections import Counter

import pytest

from rtbench.core.metrics.session import CONNECTION_METRICS, session_success, uptime
from rtbench.core.sessions import Session

MS = 1_000_000

HELD = Session(
    outcome="completed",
    planned_ns=1_000 * MS,
    connected_ns=1_250 * MS,
    created_ns=1_300 * MS,
    update_sent_ns=1_310 * MS,
    updated_ns=1_375 * MS,
    ended_ns=3_500 * MS,
    errors=Counter({"answer_timeout": 2, "rate_limited": 1}),
)


PARTS = {
    "dns_ms": 1.0, "tcp_ms": 2.0, "tls_ms": 3.0, "upgrade_ms": 4.0, "key_ms": 5.0, "sdp_ms": 6.0, "ice_ms": 7.0,
    "dtls_ms": 8.0, "channel_ms": 9.0,
}  # fmt: skip
"""The parts of connecting, which a session brings along."""


def values(session: Session) -> dict[str, float | None]:
    return {metric.name: metric.compute(session) for metric in CONNECTION_METRICS}


def test_a_session_by_hand() -> None:
    assert values(HELD) == {
        "connect_ms": 250,
        **dict.fromkeys(PARTS),
        "session_created_ms": 50,
        "session_updated_ms": 65,
        "uptime": 0.9,
        "session_success": 1,
        "errors_per_session": 3,
        "reconnect_attempts": 0,
        "lost_turns": 0,
        "fell_back_to_text": None,
    }


def test_a_session_that_never_connected_was_up_for_nothing_of_its_time() -> None:
    session = Session(planned_ns=1_000 * MS, ended_ns=11_000 * MS, errors=Counter(connect_timeout=1))

    assert values(session) == {
        "connect_ms": None,
        **dict.fromkeys(PARTS),
        "session_created_ms": None,
        "session_updated_ms": None,
        "uptime": 0,
        "session_success": 0,
        "errors_per_session": 1,
        "reconnect_attempts": 0,
        "lost_turns": 0,
        "fell_back_to_text": None,
    }


def test_the_parts_of_connecting_are_metrics_as_they_are() -> None:
    found = values(dataclasses.replace(HELD, **PARTS))
    assert {name: found[name] for name in PARTS} == PARTS


@pytest.mark.parametrize("ended_ns", [HELD.planned_ns, 0])
def test_a_session_that_took_no_time_has_no_uptime(ended_ns) -> None:
    assert uptime(dataclasses.replace(HELD, ended_ns=ended_ns)) is None


@pytest.mark.parametrize(
    ("outcome", "success"),
    [("completed", 1), ("drained", 1), ("failed", 0), ("dropped", 0), ("interrupted", 0)],
)
def test_success_is_to_be_held_to_the_end_or_drained(outcome, success) -> None:
    assert session_success(dataclasses.replace(HELD, outcome=outcome)) == success


def test_time_without_a_connection_is_no_uptime() -> None:
    down = dataclasses.replace(HELD, down_ns=(HELD.ended_ns - HELD.planned_ns) // 10)

    assert uptime(down) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("fields", "value"),
    [({}, None), ({"redials": 2}, 0), ({"redials": 4, "fell_back": True}, 1), ({"outcome": "dropped"}, 0)],
)
def test_the_fall_back_is_a_share_of_the_sessions_in_trouble(fields, value) -> None:
    assert values(dataclasses.replace(HELD, **fields))["fell_back_to_text"] == value
