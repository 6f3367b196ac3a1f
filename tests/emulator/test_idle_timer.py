from __future__ import annotations

from rtbench.emulator.idle_timer import IdleTimer

S = 1_000_000_000


def test_it_wakes_at_the_silence_and_again_at_its_end():
    timer = IdleTimer()
    timer.arm(10 * S)
    assert timer.next_wake(5_000) == 10 * S
    assert timer.expired(5_000, 240, 10 * S) is None
    assert timer.next_wake(5_000) == 15 * S
    assert timer.expired(5_000, 999, 15 * S) == 240
    assert timer.next_wake(5_000) is None


def test_speech_disarms_it():
    timer = IdleTimer()
    timer.arm(10 * S)
    timer.disarm()
    assert timer.next_wake(5_000) is None
    assert timer.expired(5_000, 0, 99 * S) is None


def test_without_a_timeout_it_never_wakes():
    timer = IdleTimer()
    timer.arm(10 * S)
    assert timer.next_wake(None) is None
    assert timer.expired(None, 0, 99 * S) is None


def test_a_call_too_early_does_no_harm():
    timer = IdleTimer()
    timer.arm(10 * S)
    assert timer.expired(5_000, 0, 9 * S) is None
    assert timer.next_wake(5_000) == 10 * S
