import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core.microphone import FrameGrid
from rtbench.engine import microphone
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.microphone import PacedMicrophone

FRAME_NS = 20 * NS_PER_MS
START_NS = 1_000 * NS_PER_MS
GRID = FrameGrid(START_NS, FRAME_NS)
SILENCE = (b"tone 0", b"tone 1", b"tone 2")


@pytest.fixture
def clock(hand_clock, monkeypatch):
    hand_clock.now = START_NS
    monkeypatch.setattr(microphone, "monotonic_ns", lambda: hand_clock.now)
    return hand_clock


@pytest.fixture
def wire(clock) -> list[tuple[bytes, float]]:
    """What was sent, and when, in milliseconds after the microphone's start."""
    return []


@pytest.fixture
def lateness() -> LatenessLog:
    return LatenessLog()


@pytest.fixture
def mic(clock, wire, lateness) -> PacedMicrophone:
    def send(message: bytes) -> None:
        wire.append((message, (clock.now - START_NS) / NS_PER_MS))

    return PacedMicrophone(GRID, SILENCE, send, clock, lateness)


def at_ms(ms: float) -> int:
    return START_NS + round(ms * NS_PER_MS)


def clip(name: str, frames: int) -> list[bytes]:
    return [f"{name} {index}".encode() for index in range(frames)]


def messages(wire) -> list[bytes]:
    return [message for message, _ in wire]


def test_a_frame_leaves_at_its_end_when_its_last_sample_has_been_captured(mic, clock, wire) -> None:
    clock.advance_to(at_ms(19.9))
    assert wire == []
    clock.advance_to(at_ms(20))
    assert wire == [(b"tone 0", 20.0)]


def test_room_tone_is_repeated_frame_by_frame(mic, clock, wire) -> None:
    clock.advance_to(at_ms(100))
    assert wire == [
        (b"tone 0", 20.0),
        (b"tone 1", 40.0),
        (b"tone 2", 60.0),
        (b"tone 0", 80.0),
        (b"tone 1", 100.0),
    ]
    assert mic.frames_sent == 5


def test_a_clip_begins_exactly_on_its_boundary_and_room_tone_goes_on_after_it(mic, clock, wire) -> None:
    mic.play(clip("hello", 2), at_ms(40))
    clock.advance_to(at_ms(120))
    assert messages(wire) == [b"tone 0", b"tone 1", b"hello 0", b"hello 1", b"tone 1", b"tone 2"]


def test_a_clip_on_the_first_boundary_is_sent_from_its_first_frame(mic, clock, wire) -> None:
    mic.play(clip("hello", 1), START_NS)
    clock.advance_to(at_ms(40))
    assert messages(wire) == [b"hello 0", b"tone 1"]


def test_clips_may_wait_for_their_turn_and_follow_each_other_without_a_gap(mic, clock, wire) -> None:
    mic.play(clip("one", 2), at_ms(20))
    mic.play(clip("two", 2), at_ms(60))
    mic.play(clip("three", 1), at_ms(120))
    clock.advance_to(at_ms(140))
    assert messages(wire) == [b"tone 0", b"one 0", b"one 1", b"two 0", b"two 1", b"tone 2", b"three 0"]


def test_after_a_stall_every_missed_frame_is_sent_each_with_its_own_lateness(
    mic, clock, wire, lateness
) -> None:
    clock.advance_to(at_ms(20))
    clock.stall_until(at_ms(95))
    assert wire == [(b"tone 0", 20.0), (b"tone 1", 95.0), (b"tone 2", 95.0), (b"tone 0", 95.0)]
    assert [value / NS_PER_MS for value in lateness._pending] == [0, 55, 35, 15]


def test_deadlines_stay_where_they_were_after_a_stall(mic, clock, wire) -> None:
    clock.stall_until(at_ms(95))
    clock.advance_to(at_ms(140))
    assert [sent_ms for _, sent_ms in wire[4:]] == [100.0, 120.0, 140.0]


def test_a_clip_that_was_due_in_a_stall_is_sent_whole(mic, clock, wire) -> None:
    mic.play(clip("hello", 2), at_ms(20))
    clock.stall_until(at_ms(95))
    assert messages(wire) == [b"tone 0", b"hello 0", b"hello 1", b"tone 0"]


def test_audio_captured_before_an_event_is_sent_before_it(mic, clock, wire) -> None:
    clock.now = at_ms(60)
    mic.send_due(at_ms(60))
    assert messages(wire) == [b"tone 0", b"tone 1", b"tone 2"]
    mic.send_due(at_ms(79))
    assert mic.frames_sent == 3


def test_a_frame_sent_ahead_of_an_event_is_not_sent_again_by_its_own_alarm(mic, clock, wire) -> None:
    clock.advance_to(at_ms(20))
    clock.now = at_ms(40)
    mic.send_due(at_ms(40))
    clock.advance_to(at_ms(60))
    assert messages(wire) == [b"tone 0", b"tone 1", b"tone 2"]


def test_a_stopped_microphone_sends_nothing_more(mic, clock, wire) -> None:
    clock.advance_to(at_ms(20))
    mic.stop()
    mic.stop()
    clock.advance_to(at_ms(200))
    assert messages(wire) == [b"tone 0"]


def test_a_microphone_can_be_stopped_by_what_its_own_frame_brings_about(clock, lateness) -> None:
    """Sending may tell the shell that the connection is gone, in the middle of a tick."""
    sent = []

    def send(message: bytes) -> None:
        sent.append(message)
        mic.stop()

    mic = PacedMicrophone(GRID, SILENCE, send, clock, lateness)
    clock.stall_until(at_ms(75))
    clock.advance_to(at_ms(200))
    assert len(sent) == 1
    assert clock.pending == []


def test_a_late_frame_belongs_to_the_time_that_its_audio_covers(mic, clock) -> None:
    """Frames end at 20, 40, 60 ms; those due at 20 and 40 leave at 50, that due at 60 leaves at 67."""
    clock.stall_until(at_ms(50))
    clock.advance_to(at_ms(55))
    clock.stall_until(at_ms(67))
    clock.advance_to(at_ms(130))
    assert mic.late_max_ms == 30.0
    assert mic.late_max_between_ms(at_ms(0), at_ms(19)) == 30.0
    assert mic.late_max_between_ms(at_ms(20), at_ms(39)) == 10.0
    assert mic.late_max_between_ms(at_ms(20), at_ms(65)) == 10.0
    assert mic.late_max_between_ms(at_ms(45), at_ms(65)) == 7.0
    assert mic.late_max_between_ms(at_ms(60), at_ms(110)) == 0.0


def test_frames_that_were_not_sent_yet_are_not_late(mic, clock) -> None:
    clock.stall_until(at_ms(50))
    assert mic.late_max_between_ms(at_ms(60), at_ms(500)) == 0.0
    assert mic.late_max_between_ms(at_ms(-500), at_ms(-60)) == 0.0
