"""Idle detection: asked after the silence, dead after as long again, and patient while nothing is due."""

from __future__ import annotations

from rtbench.core.lifeline import Lifeline

S = 1_000_000_000


def test_silence_is_counted_from_when_something_was_due() -> None:
    line = Lifeline(2 * S)
    line.sign(1 * S)

    assert line.next_wake(None) is None
    assert line.next_wake(5 * S) == 7 * S
    assert not line.should_ask(5 * S, 6 * S)
    assert line.should_ask(5 * S, 7 * S)


def test_it_asks_once_and_then_gives_up() -> None:
    line = Lifeline(2 * S)
    assert line.should_ask(0, 2 * S)

    assert not line.should_ask(0, 3 * S)
    assert not line.is_dead(0, 3 * S)
    assert line.next_wake(0) == 4 * S
    assert line.is_dead(0, 4 * S)


def test_any_sign_brings_it_back() -> None:
    line = Lifeline(2 * S)
    line.should_ask(0, 2 * S)

    line.sign(3 * S)

    assert line.next_wake(0) == 5 * S
    assert not line.is_dead(0, 4 * S)
    assert line.should_ask(0, 5 * S)


def test_without_a_time_it_never_doubts() -> None:
    line = Lifeline(None)

    assert line.next_wake(0) is None
    assert not line.should_ask(0, 10**18)
    assert not line.is_dead(0, 10**18)
