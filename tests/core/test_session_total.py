"""Several connections added up."""

from __future__ import annotations

from collections import Counter

from rtbench.core.conversation import Conversation
from rtbench.core.machine import Disconnected
from rtbench.core.script import Script
from rtbench.core.server_events import SessionCreated, UnknownEvent
from rtbench.core.session_total import SessionTotal
from rtbench.core.sessions import Session


def connection(begun_ns: int, session_id: str) -> Conversation:
    made = Conversation(Script(()), frame_ns=40)
    made.start(begun_ns)
    made.receive(UnknownEvent(type="x"), begun_ns + 1)
    made.receive(SessionCreated(session={"id": session_id}), begun_ns + 2)
    return made


def test_errors_are_told_once_and_counts_added_up() -> None:
    whole = Session()
    total = SessionTotal(whole)
    first, second = connection(100, "sess_1"), connection(500, "sess_2")

    total.begin()
    assert total.absorb(first) == Counter()
    first.receive(Disconnected(1011), 300)
    assert total.absorb(first) == {"closed_1011": 1}
    total.begin()
    second.receive(Disconnected(1011), 700)
    assert total.absorb(second) == {"closed_1011": 1}

    assert whole.errors == {"closed_1011": 2}
    assert whole.unknown_events == 2
    assert whole.session_id == "sess_2"
    assert (whole.connected_ns, whole.created_ns) == (100, 102)  # the first one's


def test_the_same_errors_are_not_told_again() -> None:
    total = SessionTotal(Session())
    total.begin()
    made = connection(0, "s")
    made.session.errors["odd"] += 2

    assert total.absorb(made) == {"odd": 2}
    assert total.absorb(made) == Counter()
    made.session.errors["odd"] += 1
    assert total.absorb(made) == {"odd": 1}
