from __future__ import annotations

import pytest

from rtbench.engine import doorway
from rtbench.engine.doorway import SPACING_NS, Doorway
from rtbench.engine.messages import StartCall


@pytest.fixture
def clock(hand_clock, monkeypatch):
    hand_clock.now = 1_000 * SPACING_NS
    monkeypatch.setattr(doorway, "monotonic_ns", lambda: hand_clock.now)
    return hand_clock


@pytest.fixture
def begun(clock) -> list[tuple[int, int]]:
    """Numbers of the calls that have begun, each with its instant in spacings."""
    return []


@pytest.fixture
def door(clock, begun) -> Doorway:
    origin_ns = clock.now
    return Doorway(clock, lambda order: begun.append((order.call, (clock.now - origin_ns) // SPACING_NS)))


def order(number: int) -> StartCall:
    return StartCall(call=number, scenario="s", user=number, iteration=0, seed=1)


def test_a_lone_call_begins_at_once(door, clock, begun) -> None:
    door.enter(order(1))
    clock.advance(3 * SPACING_NS)
    door.enter(order(2))
    assert begun == [(1, 0), (2, 3)]


def test_calls_of_one_breath_begin_one_after_the_other(door, clock, begun) -> None:
    for number in (1, 2, 3, 4):
        door.enter(order(number))
    assert begun == [(1, 0)]
    clock.advance(10 * SPACING_NS)
    assert begun == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert clock.pending == []


def test_a_call_that_comes_while_others_wait_waits_behind_them(door, clock, begun) -> None:
    door.enter(order(1))
    door.enter(order(2))
    clock.advance(SPACING_NS // 2)
    door.enter(order(3))
    clock.advance(5 * SPACING_NS)
    assert begun == [(1, 0), (2, 1), (3, 2)]


def test_a_call_that_is_to_be_ended_begins_now_and_once(door, clock, begun) -> None:
    for number in (1, 2, 3):
        door.enter(order(number))
    door.hurry(3)
    door.hurry(7)
    clock.advance(9 * SPACING_NS)
    assert begun == [(1, 0), (3, 0), (2, 1)]


def test_who_was_hurried_leaves_no_second_alarm_behind(door, clock, begun) -> None:
    """Two alarms would let those who come next in twice as fast."""
    door.enter(order(1))
    door.enter(order(2))
    door.hurry(2)
    for number in (3, 4, 5):
        door.enter(order(number))
    clock.advance(9 * SPACING_NS)
    assert begun == [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3)]


def test_at_the_end_all_that_wait_begin(door, clock, begun) -> None:
    for number in (1, 2, 3):
        door.enter(order(number))
    door.hurry_all()
    clock.advance(9 * SPACING_NS)
    assert [number for number, _ in begun] == [1, 2, 3]
