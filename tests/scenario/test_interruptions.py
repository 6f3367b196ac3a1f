"""Taking the turn away from the agent: when, and with which words."""

import pytest
from pydantic import ValidationError

from rtbench.core.script import Moment
from rtbench.corpus.manifest import Role
from rtbench.scenario.interruptions import Interrupt, Overlap, PushToTalk

SECOND = 1_000_000_000


def test_an_interruption_comes_after_a_second_of_the_answer_unless_it_says_otherwise() -> None:
    assert Interrupt.model_validate({"interrupt": "a"}).moment == Moment(heard_ns=SECOND)
    later = Interrupt.model_validate({"interrupt": {"clip": "a", "fraction": 0.4, "level": "-6 dB"}})
    assert later.moment == Moment(fraction=0.4)
    assert later.choice.level.db == -6


def test_an_interruption_is_any_of_its_role_unless_it_names_a_clip() -> None:
    assert Interrupt.model_validate({"interrupt": None}).choice.role is Role.INTERRUPTION
    assert Interrupt.model_validate({"interrupt": {"after": "2 s"}}).choice.role is Role.INTERRUPTION
    assert Interrupt.model_validate({"interrupt": {"role": "question"}}).choice.role is Role.QUESTION


def test_an_overlap_begins_together_with_the_answer() -> None:
    assert Overlap.model_validate({"overlap": "a"}).moment == Moment(heard_ns=0)
    assert Overlap.model_validate({"overlap": None}).choice.role is Role.INTERRUPTION


def test_an_overlap_has_no_other_moment() -> None:
    with pytest.raises(ValidationError, match="unknown key 'heard'"):
        Overlap.model_validate({"overlap": {"clip": "a", "heard": "1 s"}})


def test_the_button_is_pressed_into_the_answer_only_where_a_moment_is_written() -> None:
    free = PushToTalk.model_validate({"push_to_talk": {"clip": "a", "expects_answer": False}})
    assert free.moment is None
    assert not free.utterance.expects_answer
    into = PushToTalk.model_validate({"push_to_talk": {"clip": "a", "heard": "1 s"}})
    assert into.moment == Moment(heard_ns=SECOND)


def test_what_is_said_with_the_button_pressed_must_be_chosen() -> None:
    with pytest.raises(ValidationError, match="needs exactly one of clip, role and any_of"):
        PushToTalk.model_validate({"push_to_talk": {"heard": "1 s"}})
