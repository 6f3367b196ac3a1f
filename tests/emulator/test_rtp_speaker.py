from __future__ import annotations

import pytest

from rtbench.emulator import rtp_speaker
from rtbench.emulator.faulty_audio import LOST
from rtbench.emulator.playout import FallSilent, SpeakPackets
from rtbench.emulator.rtp_speaker import RtpSpeaker
from rtbench.transports.memory import VirtualClock

MS = 1_000_000


class Alarms:
    """An alarm clock on virtual time, whose next alarm is late."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.late_ns = 0

    def call_at(self, at_ns: int, callback):
        late_ns, self.late_ns = self.late_ns, 0
        return self._clock.call_at(at_ns + late_ns, lambda: callback(self._clock.now))


class Stage:
    """A speaker at 8 kHz; `sent` are its packets as (milliseconds, payload, ticks, marker)."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sent: list[tuple[float, bytes, int, bool]] = []
        self.told: list[tuple[str, float]] = []
        self.lost: list[float] = []
        self.alarms = Alarms(clock)
        self.speaker = RtpSpeaker(self, 8_000, self.alarms, self._tell)

    def send_packet(self, payload: bytes, *, timestamp: int, marker: bool = False) -> None:
        self.sent.append((self.clock.now / MS, payload, timestamp, marker))

    def lose_packet(self) -> None:
        self.lost.append(self.clock.now / MS)

    def speak(self, name: str, packets: int, at_ms: float) -> None:
        self.speaker.speak(SpeakPackets(name, (name.encode(),) * packets, round(at_ms * MS)))

    def fall_silent(self, at_ms: float) -> None:
        self.speaker.fall_silent(FallSilent(round(at_ms * MS)))

    def run_until(self, ms: float) -> None:
        self.clock.run_until(round(ms * MS))

    def _tell(self, speech: SpeakPackets, sent_ns: int) -> None:
        self.told.append((speech.response_id, sent_ns / MS))

    @property
    def instants_ms(self) -> list[float]:
        return [sent[0] for sent in self.sent]


@pytest.fixture
def stage(monkeypatch) -> Stage:
    clock = VirtualClock(1_000 * MS)
    monkeypatch.setattr(rtp_speaker, "monotonic_ns", lambda: clock.now)
    return Stage(clock)


def test_the_first_packet_leaves_at_once_and_the_others_every_20_ms(stage):
    stage.speak("a", 3, 1_000)
    assert stage.instants_ms == [1_000]
    stage.run_until(2_000)
    assert stage.sent == [(1_000, b"a", 0, True), (1_020, b"a", 160, False), (1_040, b"a", 320, False)]
    assert stage.told == [("a", 1_000), ("a", 1_040)]


def test_pieces_that_follow_each_other_are_one_spurt(stage):
    stage.speak("a", 2, 1_000)
    stage.speak("b", 2, 1_040)
    stage.run_until(2_000)
    assert stage.instants_ms == [1_000, 1_020, 1_040, 1_060]
    assert [marker for *_, marker in stage.sent] == [True, False, False, False]


def test_after_a_pause_the_timestamp_has_gone_on_and_the_marker_is_set(stage):
    stage.speak("a", 1, 1_000)
    stage.run_until(1_500)
    stage.speak("b", 1, 1_500)
    assert stage.sent[1] == (1_500, b"b", 4_000, True)


def test_a_late_alarm_is_made_up_for_without_shifting_what_follows(stage):
    stage.alarms.late_ns = 30 * MS
    stage.speak("a", 5, 1_000)
    stage.run_until(2_000)
    assert stage.instants_ms == [1_000, 1_050, 1_050, 1_060, 1_080]
    assert [ticks for _, _, ticks, _ in stage.sent] == [0, 160, 320, 480, 640]


def test_silence_cuts_what_is_due_then_and_tells_what_left_last(stage):
    stage.speak("a", 5, 1_000)
    stage.speak("b", 5, 1_100)
    stage.run_until(1_045)
    stage.fall_silent(1_045)
    stage.run_until(2_000)
    assert stage.instants_ms == [1_000, 1_020, 1_040]
    assert stage.told == [("a", 1_000), ("a", 1_040)]


def test_silence_to_come_lets_stale_packets_pass_and_another_answer_follow(stage):
    stage.speak("a", 10, 1_000)
    stage.run_until(1_045)
    stage.fall_silent(1_080)
    stage.speak("b", 1, 1_080)
    stage.run_until(2_000)
    assert stage.sent[-2:] == [(1_060, b"a", 480, False), (1_080, b"b", 640, False)]
    assert stage.told == [("a", 1_000), ("a", 1_060), ("b", 1_080)]


def test_a_speaker_that_is_stopped_sends_nothing_any_more(stage):
    stage.speak("a", 10, 1_000)
    stage.speaker.stop()
    stage.run_until(2_000)
    assert len(stage.sent) == 1
    assert stage.clock.next_due is None


def test_silence_without_end_fills_the_time_between_two_answers_without_a_mark(stage):
    stage.speaker.fill(b"-")
    stage.speak("a", 2, 1_050)
    stage.run_until(1_130)
    assert stage.sent == [
        (1_000, b"-", 0, False),
        (1_020, b"-", 160, False),
        (1_050, b"a", 400, False),  # what was silent before it would have reached into it
        (1_070, b"a", 560, False),
        (1_090, b"-", 720, False),
        (1_110, b"-", 880, False),
        (1_130, b"-", 1_040, False),
    ]
    assert stage.told == [("a", 1_050), ("a", 1_070)]


def test_no_time_is_used_twice_where_silence_has_taken_what_an_answer_was_to_have(stage):
    stage.speaker.fill(b"-")
    stage.run_until(1_030)
    stage.speak("a", 2, 1_030)
    stage.run_until(1_080)
    assert stage.sent[1:] == [
        (1_020, b"-", 160, False),
        (1_040, b"a", 320, False),
        (1_060, b"a", 480, False),
        (1_080, b"-", 640, False),
    ]


def test_pieces_that_come_late_within_silence_without_end_are_sent_one_after_the_other(stage):
    stage.speaker.fill(b"-")
    stage.run_until(1_300)
    stage.speak("a", 2, 1_040)  # held back by a stall, both at once
    stage.speak("b", 2, 1_080)
    stage.run_until(1_400)
    assert [(ms, payload) for ms, payload, _, _ in stage.sent[16:]] == [
        (1_320, b"a"),
        (1_340, b"a"),
        (1_360, b"b"),
        (1_380, b"b"),
        (1_400, b"-"),
    ]
    ticks = [sent[2] for sent in stage.sent]
    assert ticks == [160 * number for number in range(21)]


def test_a_late_answer_falls_silent_when_it_is_told_to(stage):
    stage.speaker.fill(b"-")
    stage.run_until(1_100)
    stage.speak("a", 5, 1_000)
    stage.run_until(1_145)
    stage.fall_silent(1_145)
    stage.run_until(1_160)
    assert [sent[:2] for sent in stage.sent[6:]] == [(1_120, b"a"), (1_140, b"a"), (1_160, b"-")]
    assert stage.told == [("a", 1_120), ("a", 1_140)]


def test_silence_goes_on_where_an_answer_is_cut_off(stage):
    stage.speaker.fill(b"-")
    stage.speak("a", 5, 1_000)
    stage.run_until(1_020)
    stage.fall_silent(1_030)
    stage.run_until(1_080)
    assert [sent[:2] for sent in stage.sent] == [
        (1_000, b"-"),
        (1_020, b"a"),
        (1_040, b"-"),
        (1_060, b"-"),
        (1_080, b"-"),
    ]
    stage.speaker.stop()
    stage.run_until(2_000)
    assert stage.instants_ms[-1] == 1_080


def test_a_packet_that_is_to_be_lost_takes_its_time_and_its_number_and_is_not_sent(stage) -> None:
    stage.speaker.speak(SpeakPackets("a", (b"1", LOST, b"3"), 1_000 * MS))
    stage.run_until(1_100)

    assert [(at_ms, payload) for at_ms, payload, _, _ in stage.sent] == [(1_000, b"1"), (1_040, b"3")]
    assert stage.lost == [1_020]
    assert [marker for *_, marker in stage.sent] == [True, False]
