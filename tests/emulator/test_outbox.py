from __future__ import annotations

from rtbench.core.machine import Outgoing
from rtbench.core.server_events import InputAudioCleared
from rtbench.emulator.outbox import Outbox


def test_events_are_taken_once_in_order_with_their_instants():
    outbox = Outbox()
    first, second = InputAudioCleared(event_id="1"), InputAudioCleared(event_id="2")
    outbox.put(5, first, second)
    assert outbox.take() == [Outgoing(first, 5), Outgoing(second, 5)]
    assert outbox.take() == []


def test_what_was_taken_is_not_touched_any_more():
    outbox = Outbox()
    outbox.put(1, InputAudioCleared())
    taken = outbox.take()
    outbox.put(2, InputAudioCleared())
    assert len(taken) == 1
