"""Phases of a conversation, and since when an answer is due."""

from __future__ import annotations

from rtbench.core.call_phase import due_since_ns, phase_of
from rtbench.core.conversation import Conversation
from rtbench.core.script import Listen, Pause, Say, Script

MS = 1_000_000


def test_the_phases_of_a_turn_in_order(caller, hello, agent) -> None:
    held = caller(Say(hello), Listen(5_000 * MS), Pause(500 * MS))
    machine = held.machine
    end_ns = machine.open_turn.turn.user_speech_end_ns

    assert (phase_of(machine, end_ns - 1), due_since_ns(machine)) == ("speaking", end_ns)
    assert phase_of(machine, end_ns) == "waiting"
    held.hear(2_000, agent.created(), agent.audio(200))
    assert (phase_of(machine, 2_000 * MS), due_since_ns(machine)) == ("answering", end_ns)
    held.hear(2_050, agent.done())
    assert due_since_ns(machine) is None
    held.sleep_until(2_300)
    assert phase_of(machine, 2_300 * MS) == "idle"


def test_before_the_session_stands_it_is_being_set_up(hello) -> None:
    machine = Conversation(Script((Say(hello),)), frame_ns=40 * MS)
    machine.start(0)

    assert (phase_of(machine, 5), due_since_ns(machine)) == ("setup", None)
