import inspect

import pytest

from rtbench.core.conversation import Conversation
from rtbench.core.machine import Disconnected, Machine, Outgoing
from rtbench.emulator.session import EmulatedSession

METHODS = ["start", "receive", "wake", "outgoing", "sent", "next_wake"]


@pytest.mark.parametrize("machine", [Conversation, EmulatedSession])
@pytest.mark.parametrize("name", METHODS)
def test_both_machines_have_the_one_interface(machine, name) -> None:
    wanted = inspect.signature(getattr(Machine, name))
    there = inspect.signature(getattr(machine, name))

    assert list(there.parameters) == list(wanted.parameters)


@pytest.mark.parametrize("machine", [Conversation, EmulatedSession])
def test_both_machines_show_their_outcome_as_a_property(machine) -> None:
    assert isinstance(machine.outcome, property)


def test_a_connection_that_went_away_without_a_close_frame_has_code_1006() -> None:
    assert Disconnected() == Disconnected(code=1006, reason="")


def test_what_goes_out_carries_the_instant_it_was_meant_for() -> None:
    event, due_ns = Outgoing("event", 5)

    assert (event, due_ns) == ("event", 5)
