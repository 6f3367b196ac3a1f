"""When a session is left: at its age, between turns, and not for nothing."""

from __future__ import annotations

from rtbench.core.rotation import Rotation
from rtbench.core.script import Listen, Say

MS = 1_000_000


def test_it_is_due_at_its_age_between_two_turns(caller, hello, agent) -> None:
    held = caller(Say(hello), Listen(5_000 * MS), Say(hello), Listen(5_000 * MS))
    rotation = Rotation(1_000 * MS)
    rotation.begin(0)

    assert not rotation.is_due(held.machine, 500 * MS)
    assert not rotation.is_due(held.machine, 1_500 * MS)  # in the middle of the first turn
    assert rotation.next_wake(held.machine) is None
    held.hear(2_000, agent.created(), agent.audio(200), agent.done())
    held.sleep_until(2_300)

    assert held.machine.open_turn is None  # the second one is held back
    assert rotation.next_wake(held.machine) == 1_000 * MS
    assert rotation.is_due(held.machine, 2_300 * MS)


def test_with_nothing_left_to_say_it_stays(caller, hello, agent) -> None:
    held = caller(Say(hello), Listen(5_000 * MS))
    rotation = Rotation(1_000 * MS)
    rotation.begin(0)

    assert not rotation.is_due(held.machine, 1_500 * MS)
    assert rotation.next_wake(held.machine) is None


def test_without_an_age_it_never_is(caller, hello) -> None:
    held = caller(Say(hello), Listen(5_000 * MS))
    rotation = Rotation(None)
    rotation.begin(0)

    assert not rotation.is_due(held.machine, 10**18)
