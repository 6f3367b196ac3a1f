"""What a faulty line does to a session's events, one fault at a time."""

from __future__ import annotations

from typing import Any

import pytest

from rtbench.core.audio import Audio
from rtbench.core.client_events import ResponseCancel
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.response_events import AudioDelta, AudioTranscriptDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import ErrorReceived, OutputAudioStopped, SessionCreated, UnknownEvent
from rtbench.emulator.door import Door
from rtbench.emulator.faulty_messages import RawMessage
from rtbench.emulator.faulty_session import BreakLine, FaultySession
from rtbench.emulator.line_faults import Transport, parse_line_fault
from rtbench.emulator.playout import FallSilent, SpeakPackets

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

    transport: Transport = "websocket"

    def __init__(self, **faults: Any) -> None:
        self.behind = Behind()
        self.door = Door([], "1")
        parsed = [parse_line_fault(name, written) for name, written in faults.items()]
        self.session = FaultySession(self.behind, parsed, "1", self.door, transport=self.transport)
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
        ({"oversized": 2}, {"response_incomplete": "content_filter", "unknown_event": 1.0}),
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

    assert kinds(before) == ["ResponseCreated", *["AudioDelta"] * 2]
    assert due_ns == (1_040 + 300) * MS
    line.session.wake(due_ns)
    assert kinds([out.event for out in line.session.outgoing()]) == ["AudioDelta"] * 2 + ["ResponseDone"]


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


class Call(Line):
    """The same over WebRTC. An answer begins at a second; its pieces of 40 ms are ordered twice as fast as they are
    played, each with its words.
    """

    transport = "webrtc"

    def answer(self, deltas: int = 4, response_id: str = "r1", at_ms: int = 1_000) -> list[Any]:
        """What has gone out of an answer when it has been played."""
        self.out: list[tuple[float, Any]] = []
        part = {"response_id": response_id, "item_id": "i", "output_index": 0, "content_index": 0}
        self._say(at_ms, ResponseCreated(response={"id": response_id}))
        for number in range(deltas):
            piece = SpeakPackets(response_id, (b"ab", b"cd"), (at_ms + 40 * number) * MS)
            words = AudioTranscriptDelta(delta="so", **part)
            self._say(at_ms + 20 * number, words)
            self._say(at_ms + 20 * number, piece, due_ns=piece.at_ns)
        self._say(at_ms + 20 * deltas, ResponseDone(response={"id": response_id, "status": "completed"}))
        self._say(at_ms + 40 * deltas, OutputAudioStopped(response_id=response_id))
        return [event for _, event in self.out]

    def at_ms(self, kind: type) -> list[float]:
        """When events of this kind went out."""
        return [ms for ms, event in self.out if isinstance(event, kind)]

    def wake(self, ms: float) -> None:
        self.session.wake(round(ms * MS))
        self.out += [(ms, found.event) for found in self.session.outgoing()]

    def _say(self, ms: float, event: Any, due_ns: int | None = None) -> None:
        held_ns = self.session.next_wake()
        if held_ns is not None and held_ns <= ms * MS:
            self.wake(held_ns / MS)
        self.behind.said.append(Outgoing(event, round(ms * MS) if due_ns is None else due_ns))
        self.wake(ms)


PIECES = ["AudioTranscriptDelta", "SpeakPackets"]
SPOKEN = ["ResponseCreated", *PIECES * 4, "ResponseDone", "OutputAudioStopped"]


def test_over_webrtc_nothing_is_changed_without_faults_and_nothing_held() -> None:
    call = Call()

    assert kinds(call.answer()) == SPOKEN
    assert call.at_ms(SpeakPackets) == [1_000, 1_020, 1_040, 1_060]


def test_a_close_in_mid_answer_strikes_when_the_second_piece_is_to_be_played() -> None:
    call = Call(close={"code": 1012, "when": "mid_answer"})
    found = call.answer()

    assert kinds(found) == ["ResponseCreated", *PIECES * 2, "ErrorReceived", "BreakLine"]
    assert call.at_ms(BreakLine) == [1_040]
    assert found[-2].error.code == "service_restart"
    (row,) = call.session.take_rows()
    assert (row.kind, row.setting, row.at_ns) == ("close", "1012", 1_040 * MS)


@pytest.mark.parametrize(
    ("fault", "how"), [("reset", "close"), ("vanish", "vanish"), ("close_channel", "close_channel")]
)
def test_ends_that_tell_no_reason(fault: str, how: str) -> None:
    found = Call(**{fault: {"when": "before_answer"}}).answer()

    assert found == [BreakLine(1006, how)]


def test_a_stall_over_webrtc_lets_two_pieces_be_played_and_keeps_the_rest() -> None:
    call = Call(stall="300 ms")
    call.answer()
    call.wake(1_340)

    assert kinds([event for _, event in call.out]) == SPOKEN
    assert call.at_ms(SpeakPackets) == [1_000, 1_020, 1_340, 1_340]
    assert [event.at_ns // MS for _, event in call.out if isinstance(event, SpeakPackets)] == [
        1_000,
        1_040,
        1_080,
        1_120,
    ]


def test_a_stall_for_ever_over_webrtc_is_silent_in_both_ways() -> None:
    call = Call(stall=1.0)

    assert kinds(call.answer()) == ["ResponseCreated", *PIECES * 2]
    assert call.behind.heard == [ResponseCancel(response_id="r1")]


def test_the_end_of_playing_is_told_of_an_answer_that_failed() -> None:
    found = Call(response_failed="server_error").answer()

    assert kinds(found) == ["ResponseCreated", *PIECES * 2, "ResponseDone", "OutputAudioStopped"]


def test_odd_audio_over_webrtc_is_a_packet_cut_short_in_each_piece() -> None:
    found = Call(odd_audio=1.0).answer()

    assert {event.packets for event in found if isinstance(event, SpeakPackets)} == {(b"ab", b"c")}


def test_packets_are_lost_in_a_row_behind_the_second_piece() -> None:
    call = Call(lost_packets=3)
    found = call.answer()

    assert [event.packets for event in found if isinstance(event, SpeakPackets)] == [
        (b"ab", b"cd"),
        (b"ab", b"cd"),
        (b"", b""),
        (b"", b"cd"),
    ]
    (row,) = call.session.take_rows()
    assert (row.kind, row.setting, row.at_ns, row.response_id) == ("lost_packets", "3", 1_080 * MS, "r1")


def test_an_answer_without_more_to_come_loses_nothing_and_nothing_is_noted() -> None:
    call = Call(lost_packets=3)

    assert [event.packets for event in call.answer(deltas=3) if isinstance(event, SpeakPackets)] == [
        (b"ab", b"cd")
    ] * 3
    assert call.struck == []


def test_what_is_noted_is_what_was_lost_and_the_answer_s_last_piece_is_played() -> None:
    call = Call(lost_packets=500)
    found = call.answer(deltas=5)

    assert [event.packets[0] for event in found if isinstance(event, SpeakPackets)] == [
        *[b"ab"] * 2,
        *[b""] * 2,
        b"ab",
    ]
    assert call.struck == [("lost_packets", "4")]


def test_packets_that_are_not_to_be_sent_any_more_are_not_lost() -> None:
    call = Call(lost_packets=1)
    call.out = []
    call.behind.said = [
        Outgoing(event, 1_000 * MS)
        for event in (
            ResponseCreated(response={"id": "r1"}),
            *(SpeakPackets("r1", (b"ab", b"cd"), at_ms * MS) for at_ms in (1_000, 1_040, 1_080)),
            FallSilent(1_060 * MS),
        )
    ]
    call.wake(1_000)
    call.wake(2_000)

    assert kinds([event for _, event in call.out][-2:]) == ["SpeakPackets", "FallSilent"]
    assert call.struck == []


def test_what_was_to_strike_after_the_caller_hung_up_is_not_noted() -> None:
    early, late = Call(close={"code": 1012, "when": "mid_answer"}), Call(stall="1 s")
    for call, at_ms in ((early, 1_030), (late, 1_050)):
        call.out = []
        call.behind.said = [
            Outgoing(event, 1_000 * MS)
            for event in (
                ResponseCreated(response={"id": "r1"}),
                *(SpeakPackets("r1", (b"ab", b"cd"), at_ms * MS) for at_ms in (1_000, 1_040)),
            )
        ]
        call.wake(1_000)
        assert call.struck == []
        call.session.receive(Disconnected(1000, ""), at_ms * MS)

    assert (early.struck, late.struck) == ([], [("stall", "")])


def test_duplicates_and_stale_events_over_webrtc_are_words() -> None:
    twice = Call(duplicate_events=1.0).answer(deltas=1)
    stale = Call(stale_events=1.0).answer()

    assert kinds(twice) == [
        *["ResponseCreated"] * 2,
        *["AudioTranscriptDelta"] * 2,
        "SpeakPackets",
        *["ResponseDone"] * 2,
        "OutputAudioStopped",
    ]
    assert kinds(stale) == [*SPOKEN[:-1], "AudioTranscriptDelta", "OutputAudioStopped"]


def test_a_large_message_over_webrtc_is_above_a_peer_s_limit_and_no_larger() -> None:
    (large, *_) = Call(oversized=17).answer()

    assert isinstance(large, RawMessage)
    assert 2**18 < len(large.data) < 2**19


def test_instants_of_packets_are_told_to_the_session_behind() -> None:
    call = Call()
    piece = SpeakPackets("r1", (b"a",), 0)
    call.session.sent(piece, 5)

    assert call.behind.stamped == [piece]


def test_faults_of_the_other_transport_do_not_strike() -> None:
    line = Line(lost_packets=3, close_channel=1.0)
    line.session.receive(UnknownEvent(type="rtbench.fault", payload={"fault": {"close_channel": 1}}), 0)

    assert kinds(line.answer()) == PLAIN
    assert line.struck == []
