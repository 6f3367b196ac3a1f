"""Taking a free turn: said as it is, hesitantly, or in a low voice."""

from rtbench.corpus.manifest import Role
from rtbench.scenario.speech import Hesitate, Mumble, Say


def test_an_utterance_wants_an_answer_unless_it_says_otherwise() -> None:
    assert Say.model_validate({"say": "a"}).utterance.expects_answer
    asked = Say.model_validate({"say": {"any_of": ["a", "b"], "expects_answer": False}})
    assert not asked.utterance.expects_answer
    assert asked.utterance.any_of == ["a", "b"]


def test_what_is_said_has_the_clip_s_own_level_and_what_is_mumbled_is_20_db_below() -> None:
    assert Say.model_validate({"say": "a"}).choice.level.db == 0
    assert Mumble.model_validate({"mumble": "a"}).choice.level.db == -20
    assert Mumble.model_validate({"mumble": {"clip": "a", "level": "-12 dB"}}).choice.level.db == -12


def test_a_hesitant_utterance_is_a_statement_with_pauses_of_150_ms_or_more() -> None:
    hesitant = Hesitate.model_validate({"hesitate": None})
    assert hesitant.choice.role is Role.STATEMENT
    assert hesitant.choice.shortest_hold_ns == 150_000_000
    assert Hesitate.model_validate({"hesitate": {"role": "long_story"}}).choice.role is Role.LONG_STORY


def test_speech_that_is_not_hesitant_needs_no_pauses() -> None:
    assert Say.model_validate({"say": "a"}).choice.shortest_hold_ns == 0
    assert Mumble.model_validate({"mumble": "a"}).choice.shortest_hold_ns == 0


def test_speech_takes_a_turn_that_is_free() -> None:
    for step in (Say.model_validate({"say": "a"}), Mumble.model_validate({"mumble": "a"})):
        assert step.moment is None
