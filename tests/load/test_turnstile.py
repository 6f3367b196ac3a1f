"""Who of the users of a process may call."""

from __future__ import annotations

import gevent
import pytest

from rtbench.load.turnstile import Permit, Turnstile


@pytest.fixture
def turnstile() -> Turnstile:
    return Turnstile()


def queue(turnstile: Turnstile, users: int) -> list[gevent.Greenlet]:
    """So many users come to wait."""
    waiting = [gevent.spawn(turnstile.admit) for _ in range(users)]
    gevent.sleep(0)
    return waiting


def let_in(waiting: list[gevent.Greenlet]) -> list[Permit]:
    gevent.sleep(0)
    return [user.value for user in waiting if user.ready()]


def test_as_many_as_are_wanted_are_let_in_in_the_order_in_which_they_came(turnstile) -> None:
    waiting = queue(turnstile, 3)
    turnstile.set_level(2)
    assert [user.ready() for user in waiting] == [False] * 3  # they run when the hub does
    assert len(let_in(waiting)) == 2
    assert [user.ready() for user in waiting] == [True, True, False]
    assert turnstile.waiting == 1
    turnstile.set_level(3)
    assert len(let_in(waiting)) == 3


def test_who_comes_while_there_is_room_does_not_wait(turnstile) -> None:
    turnstile.set_level(1)
    assert not turnstile.admit().over
    assert let_in(queue(turnstile, 1)) == []


def test_who_came_last_goes_first(turnstile) -> None:
    waiting = queue(turnstile, 3)
    turnstile.set_level(3)
    permits = let_in(waiting)
    left: list[int] = []
    for number, permit in enumerate(permits):
        permit.on_withdrawal = lambda number=number: left.append(number)
    turnstile.set_level(1)
    assert left == [2, 1]
    assert [permit.over for permit in permits] == [False, True, True]


def test_a_place_that_was_taken_back_goes_to_the_next_when_more_are_wanted_again(turnstile) -> None:
    waiting = queue(turnstile, 3)
    turnstile.set_level(2)
    first, second = let_in(waiting)
    turnstile.set_level(1)
    turnstile.set_level(2)
    third = let_in(waiting)[-1]
    assert (first.over, second.over, third.over) == (False, True, False)


def test_an_arrival_lets_one_in_for_one_call(turnstile) -> None:
    waiting = queue(turnstile, 2)
    assert turnstile.arrive()
    (permit,) = let_in(waiting)
    assert permit.single
    assert permit.over
    assert turnstile.not_started == 0


def test_an_arrival_that_finds_nobody_is_counted(turnstile) -> None:
    waiting = queue(turnstile, 1)
    assert [turnstile.arrive() for _ in range(3)] == [True, False, False]
    assert turnstile.not_started == 2
    assert len(let_in(waiting)) == 1
    assert let_in(queue(turnstile, 1)) == []  # it was not kept for later


def test_who_is_killed_while_waiting_is_passed_over(turnstile) -> None:
    first, second = queue(turnstile, 2)
    first.kill()
    assert turnstile.waiting == 1
    turnstile.arrive()
    assert len(let_in([second])) == 1
