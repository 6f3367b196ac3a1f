from __future__ import annotations

from rtbench.emulator.identifiers import Identifiers


def test_ids_name_their_kind_and_are_never_given_twice():
    identifiers = Identifiers("abc")
    made = [identifiers.item(), identifiers.response(), identifiers.call(), identifiers.item()]
    assert [name.split("_")[0] for name in made] == ["item", "resp", "call", "item"]
    assert len(set(made)) == 4
    assert (identifiers.session, identifiers.conversation) == ("sess_abc", "conv_abc")


def test_ids_of_two_sessions_differ():
    assert Identifiers("a").item() != Identifiers("b").item()
