"""Cuts in the middle of an utterance, and the order that is made of a drop."""

from __future__ import annotations

from rtbench.core.line_cuts import LineCuts, cut_by
from rtbench.core.reconnection import Cut
from rtbench.core.script import Drop


def test_a_planned_cut_comes_in_the_middle_of_the_next_utterance_and_once() -> None:
    cuts = LineCuts()
    cuts.plan(Drop("half_open", "mid_utterance"))
    assert cuts.due_ns is None

    cuts.utterance(100, 300)

    assert cuts.due_ns == 200
    assert cuts.take_due(199) == []
    assert cuts.take_due(205) == [Cut("half_open", 205)]
    assert cuts.take_due(300) == []
    cuts.utterance(400, 500)
    assert cuts.due_ns is None


def test_a_drop_in_the_handshake_breaks_the_next_connection_too() -> None:
    assert cut_by(Drop("reset", "handshake"), 5) == Cut("reset", 5, in_handshake=True)
    assert cut_by(Drop("close"), 5) == Cut("close", 5)
