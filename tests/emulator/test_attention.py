from __future__ import annotations

import pytest

from rtbench.core.vad import SpeechEnd, SpeechStart
from rtbench.emulator.attention import Attention, Decision
from rtbench.emulator.faults import Faults, parse_faults
from rtbench.emulator.responses import NOT_YET, HeardAnswer

MS = 1_000_000
UNDER_WAY = HeardAnswer("r", NOT_YET, sounds=True)


def attention(**faults: object) -> Attention:
    return Attention(Faults(parse_faults(faults)))


def start(now_ms: int, answer: HeardAnswer | None = None) -> Decision:
    return Decision(SpeechStart(0, 10), 10, now_ms * MS, answer)


def end(now_ms: int) -> Decision:
    return Decision(SpeechEnd(20, 30), 30, now_ms * MS)


def test_without_faults_everything_is_noticed_at_once():
    alert = attention()
    for decision in (start(100), end(200), start(300, UNDER_WAY)):
        alert.take(decision)
        assert alert.next_wake() == decision.received_ns
        assert alert.noticed(decision.received_ns) == [decision]
        assert alert.idle and alert.next_wake() is None


def test_a_delayed_start_comes_late_and_the_end_in_its_own_time():
    slow = attention(detection_delay="250 ms")
    slow.take(started := start(100))
    assert slow.noticed(349 * MS) == []
    assert slow.noticed(350 * MS) == [started]
    slow.take(ended := end(400))
    assert slow.noticed(400 * MS) == [ended]


def test_an_end_never_comes_before_its_start():
    slow = attention(detection_delay="1 s")
    slow.take(started := start(100))
    slow.take(ended := end(400))
    assert slow.noticed(1_099 * MS) == []
    assert slow.noticed(1_100 * MS) == [started, ended]


def test_a_missed_interruption_that_ends_before_the_answer_was_never_there():
    deaf = attention(missed_interruption=1)
    deaf.take(start(100, UNDER_WAY))
    deaf.take(end(500))
    assert deaf.idle
    deaf.answer_over(600 * MS)
    assert deaf.noticed(10_000 * MS) == []


def test_a_missed_interruption_that_outlasts_the_answer_is_noticed_at_its_end():
    deaf = attention(missed_interruption=1)
    deaf.take(started := start(100, UNDER_WAY))
    deaf.answer_over(600 * MS)
    assert deaf.next_wake() == 600 * MS
    assert deaf.noticed(600 * MS) == [started]
    deaf.take(ended := end(900))
    assert deaf.noticed(900 * MS) == [ended]


def test_where_all_was_sent_a_missed_interruption_waits_for_the_end_of_playback():
    deaf = attention(missed_interruption=1)
    deaf.take(start(100, HeardAnswer("r", 800 * MS, sounds=True)))
    assert deaf.next_wake() == 800 * MS


@pytest.mark.parametrize("answer", [None, HeardAnswer("r", NOT_YET, sounds=False)])
def test_only_speech_into_an_answer_that_sounds_is_missed(answer):
    deaf = attention(missed_interruption=1)
    deaf.take(decision := start(100, answer))
    assert deaf.noticed(100 * MS) == [decision]


def test_what_is_forgotten_is_not_noticed():
    slow = attention(detection_delay="1 s")
    slow.take(start(100))
    slow.forget()
    assert slow.idle and slow.noticed(5_000 * MS) == []
