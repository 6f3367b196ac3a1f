"""What a faulty line does to a session's events, one fault at a time."""

from __future__ import annotations

from typing import Any

import pytest

from rtbench.core.audio import Audio
from rtbench.core.client_events import ResponseCancel
from rtbench.core.machine import Outgoing
from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import ErrorReceived, SessionCreated, UnknownEvent
from rtbench.emulator.door import Door
from rtbench.emulator.faulty_session import BreakLine, FaultySession, RawMessage
from rtbench.emulator.line_faults import parse_line_fault

MS = 1_000_000


class Behind:
    """A session that says what the test puts in its mouth."""

    session_id = "sess_1"
    outcome = None

    def __init__(self) -> None:
        self.said: list[Outgoing] = []
        self.heard: list[Any] = []
        self.stamped: list[Any] = []

    def start(self, now: int) -> None:
        self.said.append(Outgoing(SessionCreated(session={}), now))

    def receive(self, event: Any, now: int) -> None:
        self.heard.append(event)

    def wake(self, now: int) -> None: ...

    def outgoing(self) -> list[Outgoing]:
        said, self.said = self.said, []
        return said

    def sent(self, event: Any, sent_ns: int) -> None:
        self.stamped.append(event)

    def next_wake(self) -> int | None:
        return None


class Line:
    """A faulty session, greeted at 0."""

    def __init__(self, **faults: Any) -> None:
        self.behind = Behind()
        self.door = Door([], "1")
        parsed = [parse_line_fault(name, written) for name, written in faults.items()]
        self.session = FaultySession(self.behind, parsed, "1", self.door)
        self.session.start(0)
        self.greeting = [out.event for out in self.session.outgoing()]

    def answer(self, deltas: int = 4, response_id: str = "r1", at_ms: int = 1_000) -> list[Any]:
        """What goes out of an answer, of which a piece is due each 20 ms."""
        events: list[Any] = [ResponseCreated(response={"id": response_id})]
        events += [
            AudioDelta(
                response_id=response_id, item_id="i", output_index=0, content_index=0, delta=Audio(b"1234")
            )
            for _ in range(deltas)
        ]
        events.append(ResponseDone(response={"id": response_id, "status": "completed"}))
        out = []
        for number, event in enumerate(events):
            now = (at_ms + 20 * number) * MS
            self.behind.said.append(Outgoing(event, now))
            self.session.wake(now)
            out += [found.event for found in self.session.outgoing()]
        return out

    @property
    def struck(self) -> list[tuple[str, str]]:
        return [(row.kind, row.setting) for row in self.session.take_rows()]


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


PLAIN = ["ResponseCreated", *["AudioDelta"] * 4, "ResponseDone"]


def test_without_faults_nothing_is_changed() -> None:
    line = Line()

    assert kinds(line.greeting) == ["SessionCreated"]
    assert kinds(line.answer()) == PLAIN
    assert line.struck == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("before_answer", ["BreakLine"]),
        ("mid_answer", ["ResponseCreated", "AudioDelta", "AudioDelta", "BreakLine"]),
        ("after_answer", [*PLAIN, "BreakLine"]),
    ],
)
def test_the_connection_is_closed_at_its_moment_and_nothing_of_the_answer_comes_after(when, expected) -> None:
    line = Line(close={"code": 1012, "when": when})
    found = line.answer()

    assert kinds(found) == expected
    assert next(event for event in found if isinstance(event, BreakLine)).code == 1012
    assert line.struck == [("close", "1012")]


def test_a_close_in_the_setup_comes_before_the_greeting() -> None:
    assert kinds(Line(close={"code": 1013, "when": "setup"}).greeting) == ["BreakLine", "SessionCreated"]


def test_a_session_that_never_comes_says_nothing_at_all() -> None:
    line = Line(no_session=1.0)

    assert line.greeting == []
    assert line.answer() == []


def test_a_late_session_comes_when_its_time_has() -> None:
    line = Line(late_session="250 ms")

    assert line.greeting == []
    assert line.session.next_wake() == 250 * MS
    line.session.wake(250 * MS)
    assert kinds([out.event for out in line.session.outgoing()]) == ["SessionCreated"]


def test_an_error_event_leaves_the_answer_as_it_is() -> None:
    line = Line(error_event={"type": "server_error", "error": "overloaded"})
    error, *rest = line.answer()

    assert isinstance(error, ErrorReceived)
    assert (error.error.type, error.error.code) == ("server_error", "overloaded")
    assert kinds(rest) == PLAIN


@pytest.mark.parametrize(
    ("fault", "status", "details"),
    [
        ({"response_failed": "server_error"}, "failed", "server_error"),
        ({"response_incomplete": "content_filter"}, "incomplete", "content_filter"),
    ],
)
def test_an_answer_breaks_off_with_its_status_and_is_stopped_behind(fault, status, details) -> None:
    line = Line(**fault)
    found = line.answer()

    assert kinds(found) == ["ResponseCreated", "AudioDelta", "AudioDelta", "ResponseDone"]
    assert found[-1].response["status"] == status
    assert details in str(found[-1].response["status_details"])
    assert line.behind.heard == [ResponseCancel(response_id="r1")]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"close": {"code": 1011, "when": "mid_answer"}}, {"response_incomplete": "content_filter"}),
        ({"reset": {"when": "before_answer"}}, {"response_failed": "server_error", "odd_audio": 1}),
        ({"response_failed": "server_error"}, {"response_incomplete": "content_filter"}),
    ],
)
def test_what_cannot_be_seen_any_more_does_not_strike(first: dict, then: dict) -> None:
    line = Line(**first, **then)
    line.answer()

    assert [row.kind for row in line.session.take_rows()] == list(first)


def test_a_stall_for_ever_ends_the_answer_without_an_end() -> None:
    assert kinds(Line(stall=1.0).answer()) == ["ResponseCreated", "AudioDelta", "AudioDelta"]


def test_a_stall_for_a_time_holds_everything_back_and_then_sends_it() -> None:
    line = Line(stall="300 ms")
    before = line.answer()
    due_ns = line.session.next_wake()

    assert kinds(before) == ["ResponseCreated", "AudioDelta"]
    assert due_ns == (1_040 + 300) * MS
    line.session.wake(due_ns)
    assert kinds([out.event for out in line.session.outgoing()]) == ["AudioDelta"] * 3 + ["ResponseDone"]


def test_duplicates_share_their_id() -> None:
    found = Line(duplicate_events=1.0).answer(deltas=1)

    assert kinds(found) == ["ResponseCreated"] * 2 + ["AudioDelta"] * 2 + ["ResponseDone"] * 2
    assert found[2].event_id == found[3].event_id != found[0].event_id


def test_a_stale_event_is_the_last_audio_once_more() -> None:
    assert kinds(Line(stale_events=1.0).answer()) == [*PLAIN, "AudioDelta"]


def test_garbage_of_three_kinds_before_an_answer() -> None:
    unknown = Line(unknown_event=1.0).answer()[0]
    cut = Line(invalid_json=1.0).answer()[0]
    large = Line(oversized=2).answer()[0]

    assert isinstance(unknown, UnknownEvent)
    assert isinstance(cut, RawMessage) and not cut.data.endswith(b"}")
    assert isinstance(large, RawMessage) and len(large.data) > 2 * 2**20


def test_odd_audio_has_half_a_sample_more_and_is_noted_once() -> None:
    line = Line(odd_audio=1.0)
    found = line.answer()

    assert {event.delta.size_bytes for event in found if isinstance(event, AudioDelta)} == {5}
    assert line.struck == [("odd_audio", "")]


def test_an_order_of_the_caller_strikes_once_at_its_next_occasion() -> None:
    line = Line()
    line.session.receive(UnknownEvent(type="rtbench.fault", payload={"fault": {"close": 1013}}), 500 * MS)

    assert kinds(line.answer()) == ["BreakLine"]
    assert kinds(line.answer(response_id="r2", at_ms=2_000)) == PLAIN
    assert line.behind.heard == []


def test_an_order_for_the_door_goes_there_and_nonsense_nowhere() -> None:
    line = Line()
    for fault in ({"refusal": 503}, {"no_such": 1}, {"close": "soon"}, "x"):
        line.session.receive(UnknownEvent(type="rtbench.fault", payload={"fault": fault}), 0)

    assert line.door.decide("m", 0).status == 503
    assert kinds(line.answer()) == PLAIN


def test_only_the_session_s_own_events_are_stamped() -> None:
    line = Line(invalid_json=1.0)
    for event in line.answer():
        line.session.sent(event, 5)

    assert "RawMessage" not in kinds(line.behind.stamped)
