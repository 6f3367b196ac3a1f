from dataclasses import fields
from typing import get_args

from rtbench.core.sessions import Session, SessionOutcome


def test_a_session_that_never_began_has_failed_and_counts_nothing() -> None:
    session = Session()

    assert session.outcome == "failed"
    assert session.errors.total() == 0
    assert (session.turns, session.answered, session.unknown_events, session.malformed_events) == (0, 0, 0, 0)
    assert session.connected_ns is session.created_ns is session.update_sent_ns is session.updated_ns is None


def test_sessions_share_no_counter() -> None:
    first, second = Session(), Session()
    first.errors["answer_timeout"] += 1

    assert not second.errors


def test_every_number_says_its_unit() -> None:
    counts = {"turns", "answered", "unknown_events", "malformed_events"}
    counts |= {"cuts", "cuts_unseen", "redials", "reconnects", "rotations", "rate_limited", "turns_lost"}
    for field in fields(Session):
        if field.type in ("int", "float", "int | None", "float | None") and field.name not in counts:
            assert field.name.endswith(("_ns", "_ms", "_usd")), field.name


def test_the_outcomes_are_a_closed_list() -> None:
    assert get_args(SessionOutcome) == ("completed", "drained", "failed", "dropped", "interrupted")
