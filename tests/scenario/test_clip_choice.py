"""Choosing clips: by name, by role, among several; short forms; and what is no choice."""

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.corpus.manifest import Role
from rtbench.scenario.clip_choice import ClipChoice, Sounding, written_as
from rtbench.scenario.fault import fault_sentence

NAMED: TypeAdapter[ClipChoice] = TypeAdapter(Annotated[ClipChoice, written_as(ClipChoice)])
COUGHS: TypeAdapter[ClipChoice] = TypeAdapter(Annotated[ClipChoice, written_as(ClipChoice, Role.COUGH)])


class Hum(Sounding):
    hum: ClipChoice


def sentence(adapter: TypeAdapter[ClipChoice], written: object) -> str:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(written)
    return fault_sentence(caught.value.errors()[0])


def test_a_bare_name_is_a_clip_s() -> None:
    assert NAMED.validate_python("yes") == ClipChoice(clip="yes")
    assert COUGHS.validate_python("yes") == ClipChoice(clip="yes")


def test_a_choice_that_was_read_is_left_as_it_is() -> None:
    chosen = ClipChoice(clip="yes")
    assert COUGHS.validate_python(chosen) is chosen


def test_a_clip_is_drawn_by_role_and_voice_or_among_names() -> None:
    by_role = NAMED.validate_python({"role": "question", "voice": "rms"})
    assert (by_role.role, by_role.voice) == (Role.QUESTION, "rms")
    assert NAMED.validate_python({"any_of": ["a", "b"]}).any_of == ["a", "b"]


@pytest.mark.parametrize("written", [None, {}, {"level": "-6 dB"}, {"voice": "rms"}])
def test_where_no_clip_is_chosen_the_step_s_own_role_is_drawn(written: dict[str, Any] | None) -> None:
    assert COUGHS.validate_python(written) == ClipChoice.model_validate({"role": "cough", **(written or {})})


@pytest.mark.parametrize("written", [{"clip": "a"}, {"role": "noise"}, {"any_of": ["a"]}])
def test_a_clip_that_is_chosen_replaces_the_step_s_own_role(written: dict[str, Any]) -> None:
    assert COUGHS.validate_python(written) == NAMED.validate_python(written)


def test_a_clip_is_played_at_its_own_level_unless_another_is_written() -> None:
    assert NAMED.validate_python("a").level.db == 0
    assert NAMED.validate_python({"clip": "a", "level": "-6 dB"}).level.db == -6


def test_a_step_is_named_after_its_field() -> None:
    step = Hum(hum=ClipChoice(clip="a"))
    assert (step.kind, step.choice, step.moment) == ("hum", ClipChoice(clip="a"), None)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (5, "must be a clip's name, or one of {role}, {any_of} and {clip}, not 5"),
        (None, "must be a clip's name, or one of {role}, {any_of} and {clip}, not nothing"),
        ({}, "needs exactly one of clip, role and any_of"),
        ({"clip": "a", "any_of": ["b"]}, "needs exactly one of clip, role and any_of, not clip and any_of"),
        ({"clip": "a", "voice": "v"}, "voice goes with role; a named clip has its voice already"),
        ({"role": "questoin"}, "must not be 'questoin'; did you mean 'question'?"),
        ({"any_of": []}, "needs at least 1 entry, has 0"),
        ({"clip": "a", "levle": "-6 dB"}, "unknown key 'levle'; did you mean 'level'?"),
    ],
)
def test_what_is_no_choice_is_told_in_one_sentence(written: object, told: str) -> None:
    assert sentence(NAMED, written) == told
