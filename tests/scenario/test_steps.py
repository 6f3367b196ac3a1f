"""Steps: their short and long forms, and what is no step."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import fault_sentence
from rtbench.scenario.speech import Say
from rtbench.scenario.steps import (
    BARE_STEPS,
    STEPS,
    Choose,
    Listen,
    Pause,
    Repeat,
    StaySilent,
    Step,
    leaves,
)

ADAPTER: TypeAdapter[Any] = TypeAdapter(Step)


def sentence(written: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(written)
    return fault_sentence(caught.value.errors()[0])


FULLY: dict[str, Any] = {
    "say": "a",
    "hesitate": "a",
    "mumble": "a",
    "interrupt": "a",
    "overlap": "a",
    "push_to_talk": "a",
    "backchannel": "a",
    "cough": "a",
    "noise": "a",
    "side_talk": "a",
    "click": "a",
    "tone": "a",
    "listen": {"timeout": "3 s"},
    "pause": "1 s",
    "stay_silent": "12 s",
    "drop": {"how": "half_open", "when": "mid_answer", "heard": "2 s"},
    "fault": {"close": 1011},
    "network": {"preset": "4g", "loss": 0.02},
    "repeat": {"times": 1, "steps": ["listen"]},
    "choose": [{"steps": []}],
}


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_is_a_block_with_one_key_and_reads_back_as_it_was_dumped(kind: str) -> None:
    step = ADAPTER.validate_python({kind: FULLY[kind]})
    assert list(type(step).model_fields) == [kind]
    assert ADAPTER.validate_python(step) is step
    assert ADAPTER.validate_python(step.model_dump(mode="json", exclude_unset=True)) == step


@pytest.mark.parametrize("kind", BARE_STEPS)
def test_some_steps_stand_alone(kind: str) -> None:
    assert ADAPTER.validate_python(kind) == ADAPTER.validate_python({kind: None})


@pytest.mark.parametrize("kind", sorted(set(STEPS) - set(BARE_STEPS)))
def test_the_others_need_to_be_told_how(kind: str) -> None:
    assert sentence(kind) == f"must be a step such as 'say: clip_name', not '{kind}'"


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


def test_a_silence_is_fixed_or_a_range() -> None:
    step = ADAPTER.validate_python({"stay_silent": "6 s .. 12 s"})
    assert isinstance(step, StaySilent)
    assert str(step.stay_silent) == "6 s .. 12 s"


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
        ("sing", "must be a step such as 'say: clip_name', not 'sing'"),
        ({"stay_silent": None}, "must be a duration such as '500 ms' or '2 s', not nothing"),
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


def test_leaves_are_found_in_groups_with_the_keys_that_lead_to_them() -> None:
    steps = [
        ADAPTER.validate_python(written)
        for written in (
            {"say": "a"},
            {"repeat": {"times": 9, "steps": [{"choose": [{"steps": []}, {"steps": ["listen"]}]}]}},
        )
    ]
    (first, said), (second, heard) = leaves(steps)
    assert isinstance(said, Say)
    assert isinstance(heard, Listen)
    assert first == ("conversation", 0)
    assert second == ("conversation", 1, "repeat", "steps", 0, "choose", 1, "steps", 0)
