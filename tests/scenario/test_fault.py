"""Sentences: pydantic's findings in the user's words."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from rtbench.scenario.fault import did_you_mean, fault, fault_location, fault_sentence, shown


class Example(BaseModel, strict=True, extra="forbid"):
    text: str = Field(default="a", min_length=1, max_length=3)
    whole: int = Field(default=1, ge=1, le=9)
    number: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    flag: bool = True
    items: list[int] = Field(default=[1], min_length=1)
    keys: dict[str, int] = {}
    word: Literal["low", "high"] = "low"
    even: int = 2

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value == 1:
            raise fault("must be even", "deeper", 0)
        if value % 2:
            raise ValueError("must be even, too")
        return value


class Needy(BaseModel):
    needed: int


def found(model: type[BaseModel], data: Any) -> ErrorDetails:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    (error,) = caught.value.errors(include_url=False)
    return error


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"text": 5}, "must be text, not 5"),
        ({"text": None}, "must be text, not nothing"),
        ({"text": ""}, "must not be empty"),
        ({"text": "abcd"}, "is longer than 3 characters"),
        ({"whole": "5"}, "must be a whole number, not '5'"),
        ({"whole": 1.5}, "must be a whole number, not 1.5"),
        ({"whole": True}, "must be a whole number, not true"),
        ({"whole": 0}, "must be 1 or more, not 0"),
        ({"whole": 10}, "must be 9 or less, not 10"),
        ({"number": 0}, "must be more than 0, not 0"),
        ({"number": float("inf")}, "must be a finite number"),
        ({"number": []}, "must be a number, not a list"),
        ({"flag": 1}, "must be true or false, not 1"),
        ({"items": 3}, "must be a list, not 3"),
        ({"items": []}, "needs at least 1 entry, has 0"),
        ({"keys": []}, "must be a mapping of keys, not a list"),
        ({"word": "hihg"}, "must not be 'hihg'; did you mean 'high'?"),
        ({"even": 1}, "must be even"),
        ({"even": 3}, "must be even, too"),
        ([], "must be a mapping of keys, not a list"),
    ],
)
def test_each_finding_is_a_sentence(data: Any, sentence: str) -> None:
    assert fault_sentence(found(Example, data)) == sentence


def test_what_rtbench_has_no_words_for_is_told_in_pydantics() -> None:
    assert fault_sentence(found(Example, {"extra": 1})) == "extra inputs are not permitted"


def test_a_missing_key_lies_beyond_what_exists() -> None:
    error = found(Needy, {})
    assert fault_location(error) == ((), ("needed",))
    assert fault_sentence(error) == "is missing"


def test_a_fault_leads_further_than_the_validated_value() -> None:
    assert fault_location(found(Example, {"even": 1})) == (("even",), ("deeper", 0))
    assert fault_location(found(Example, {"even": 3})) == (("even",), ())


def test_the_nearest_name_is_told_or_all_of_them() -> None:
    assert did_you_mean("lsiten", ["say", "listen", "pause"]) == "; did you mean 'listen'?"
    assert did_you_mean("jump", ["say", "listen"]) == "; valid are listen, say"
    assert did_you_mean("jump", []) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "nothing"), (True, "true"), ({}, "a mapping"), ((), "a list"), (1.5, "1.5"), ("a", "'a'")],
)
def test_a_value_is_shown_in_yaml_s_words(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_long_value_is_shortened() -> None:
    assert shown("x" * 100) == repr("x" * 37 + "...")
