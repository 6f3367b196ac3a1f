from __future__ import annotations

import pytest

from rtbench.core.server_events import OutputAudioCleared, OutputAudioStarted, OutputAudioStopped
from rtbench.emulator.answer import SpokenAnswer
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import Cleared
from rtbench.emulator.plan import Beat
from rtbench.emulator.playout import FallSilent, PlayoutBuffer, SpeakPackets

MS = 1_000_000
ANSWER = SpokenAnswer("r", "item")
STARTED, STOPPED = OutputAudioStarted(response_id="r"), OutputAudioStopped(response_id="r")


class Deck:
    """A playout buffer, and what comes out of it with its instants in milliseconds."""

    def __init__(self) -> None:
        self._outbox = Outbox()
        self.buffer = PlayoutBuffer(self._outbox)

    def give(self, at_ms: int, packets: int, response_id: str = "r") -> list:
        answer = SpokenAnswer(response_id, f"item_{response_id}")
        beat = Beat(at_ms * MS, "", (b"p",) * packets, packets * 20 * MS)
        self.buffer.give(response_id, answer, beat)
        self.buffer.wake(at_ms * MS)
        return self.take()

    def wake(self, at_ms: int) -> list:
        self.buffer.wake(at_ms * MS)
        return self.take()

    def take(self) -> list:
        return [(event, due // MS) for event, due in self._outbox.take()]

    @property
    def wake_ms(self) -> float | None:
        wake = self.buffer.next_wake()
        return None if wake is None else wake / MS


def speak(packets: int, at_ms: int, response_id: str = "r") -> tuple[SpeakPackets, int]:
    return SpeakPackets(response_id, (b"p",) * packets, at_ms * MS), at_ms


@pytest.fixture
def deck() -> Deck:
    return Deck()


def test_it_plays_at_once_and_says_so_after_the_first_packet(deck):
    assert deck.give(100, 5) == [speak(5, 100), (STARTED, 100)]


def test_what_is_generated_ahead_is_played_in_real_time(deck):
    deck.give(100, 5)
    assert deck.give(150, 5) == [speak(5, 200)]
    assert deck.give(200, 5) == [speak(5, 300)]
    assert deck.buffer.heard_out_ns("r", 0) == 400 * MS


def test_it_stops_when_all_was_played_and_nothing_more_comes(deck):
    deck.give(100, 5)
    assert deck.wake_ms is None
    assert deck.wake(250) == []
    deck.buffer.response_done("r")
    assert deck.wake_ms == 200
    assert deck.wake(260) == [(STOPPED, 200)]
    assert (deck.wake_ms, deck.buffer.holds("r")) == (None, False)


def test_running_dry_is_no_end_and_is_not_counted_as_heard(deck):
    deck.give(100, 5)
    assert deck.give(300, 5) == [speak(5, 300)]
    deck.buffer.response_done("r")
    [cleared] = deck.buffer.clear(340 * MS)
    assert cleared.played_ms == 100 + 40


def test_one_answer_waits_for_the_other(deck):
    deck.give(100, 10)
    deck.buffer.response_done("r")
    assert deck.give(150, 5, "next") == [speak(5, 300, "next")]
    assert deck.wake_ms == 300
    started = OutputAudioStarted(response_id="next")
    assert deck.wake(300) == [(STOPPED, 300), (started, 300)]


@pytest.mark.parametrize(("at_ms", "played_ms"), [(100, 0), (101, 20), (120, 20), (121, 40), (199, 100)])
def test_clearing_counts_packets_that_have_left(deck, at_ms, played_ms):
    deck.give(100, 5)
    deck.give(110, 5)
    assert deck.buffer.clear(at_ms * MS) == [Cleared("r", "item_r", played_ms, 0)]
    assert deck.take() == [(FallSilent(at_ms * MS), at_ms), (OutputAudioCleared(response_id="r"), at_ms)]
    assert (deck.wake_ms, deck.buffer.holds("r")) == (None, False)


def test_stale_audio_is_played_on_as_far_as_there_is_any(deck):
    deck.give(100, 10)
    assert deck.buffer.clear(200 * MS, 60 * MS) == [Cleared("r", "item_r", 100, 60)]
    assert deck.take()[0] == (FallSilent(260 * MS), 200)
    assert deck.give(220, 5, "next")[0] == speak(5, 260, "next")
    assert deck.buffer.clear(300 * MS, 500 * MS) == [Cleared("next", "item_next", 40, 60)]


def test_what_never_began_is_dropped_without_a_word(deck):
    deck.give(100, 10)
    deck.give(110, 10, "next")
    assert [cleared.response_id for cleared in deck.buffer.clear(200 * MS)] == ["r", "next"]
    assert [event for event, _ in deck.take()][1:] == [OutputAudioCleared(response_id="r")]
    assert deck.give(210, 1, "third")[0] == speak(1, 210, "third")


def test_clearing_silence_does_nothing(deck):
    assert deck.buffer.clear(100 * MS) == []
    assert deck.take() == []
