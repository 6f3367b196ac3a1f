"""Steps: their short and long forms, and what is no step."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.corpus.manifest import Role
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import fault_sentence
from rtbench.scenario.steps import Choose, Listen, Pause, Repeat, Say, Step

ADAPTER: TypeAdapter[Any] = TypeAdapter(Step)


def sentence(written: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(written)
    return fault_sentence(caught.value.errors()[0])


def test_a_clip_is_said_by_its_name() -> None:
    assert ADAPTER.validate_python({"say": "yes"}) == ADAPTER.validate_python({"say": {"clip": "yes"}})


def test_a_clip_is_drawn_by_role_and_voice_or_among_names() -> None:
    by_role = ADAPTER.validate_python({"say": {"role": "question", "voice": "rms"}})
    assert isinstance(by_role, Say)
    assert (by_role.say.role, by_role.say.voice) == (Role.QUESTION, "rms")
    among = ADAPTER.validate_python({"say": {"any_of": ["a", "b"], "expects_answer": False}})
    assert (among.say.any_of, among.say.expects_answer) == (["a", "b"], False)


@pytest.mark.parametrize("written", ["listen", {"listen": None}, {"listen": {}}])
def test_listening_needs_no_options(written: object) -> None:
    step = ADAPTER.validate_python(written)
    assert isinstance(step, Listen)
    assert step.listen.timeout is None


def test_listening_may_have_its_own_timeout() -> None:
    assert ADAPTER.validate_python({"listen": {"timeout": "10 s"}}).listen.timeout == Duration.parse("10 s")


def test_a_pause_is_fixed_or_a_range() -> None:
    step = ADAPTER.validate_python({"pause": "300 ms .. 900 ms"})
    assert isinstance(step, Pause)
    assert str(step.pause) == "300 ms .. 900 ms"


def test_groups_hold_steps_and_groups() -> None:
    step = ADAPTER.validate_python(
        {"repeat": {"times": 2, "steps": [{"choose": [{"weight": 3, "steps": ["listen"]}, {"steps": []}]}]}}
    )
    assert isinstance(step, Repeat)
    (choice,) = step.repeat.steps
    assert isinstance(choice, Choose)
    assert [branch.weight for branch in choice.choose] == [3, 1]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"sya": "a"}, "unknown step 'sya'; did you mean 'say'?"),
        ({"say": "a", "listen": None}, "one step does one thing, not say and listen: begin each with '-'"),
        ({}, "one step does one thing, not nothing: begin each with '-'"),
        ("say", "must be a step such as 'say: clip_name', not 'say'"),
        ({"say": 5}, "must be a clip's name, or one of {role}, {any_of} and {clip}, not 5"),
        ({"say": {}}, "needs exactly one of clip, role and any_of"),
        (
            {"say": {"clip": "a", "any_of": ["b"]}},
            "needs exactly one of clip, role and any_of, not clip and any_of",
        ),
        ({"say": {"clip": "a", "voice": "v"}}, "voice goes with role; a named clip has its voice already"),
        ({"say": {"role": "questoin"}}, "must not be 'questoin'; did you mean 'question'?"),
        ({"say": {"any_of": []}}, "needs at least 1 entry, has 0"),
        ({"listen": "10 s"}, "takes nothing or {timeout: 10 s}, not '10 s'"),
        ({"pause": 700}, "a duration needs its unit: write '700 ms' or '700 s'"),
        ({"repeat": {"times": 0, "steps": ["listen"]}}, "must be 1 or more, not 0"),
        ({"repeat": {"times": 2, "steps": []}}, "needs at least 1 entry, has 0"),
        ({"repeat": {"times": 2}}, "is missing"),
        ({"choose": []}, "needs at least 1 entry, has 0"),
        ({"choose": [{"weight": 0, "steps": []}]}, "must be more than 0, not 0"),
    ],
)
def test_what_is_no_step_is_told_in_one_sentence(written: object, told: str) -> None:
    assert sentence(written) == told
