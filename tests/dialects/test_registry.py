from __future__ import annotations

from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.dialects.registry import DIALECTS


def test_dialects_are_registered_under_their_own_names():
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {name: name for name in DIALECTS}


def test_openai_ga_is_there():
    assert DIALECTS["openai_ga"] is OPENAI_GA
