"""Moments of an answer: one of three ways to say when."""

from typing import Any

import pytest
from pydantic import ValidationError

from rtbench.core.script import Moment
from rtbench.scenario.fault import fault_location, fault_sentence
from rtbench.scenario.in_answer import InAnswer


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ({}, None),
        ({"heard": "1.5 s"}, Moment(heard_ns=1_500_000_000)),
        ({"heard": "0 s"}, Moment(heard_ns=0)),
        ({"fraction": 0.4}, Moment(fraction=0.4)),
        ({"fraction": 0}, Moment(fraction=0.0)),
        ({"after": "2 s"}, Moment(elapsed_ns=2_000_000_000)),
    ],
)
def test_a_moment_is_by_audio_heard_by_its_share_or_by_time(
    written: dict[str, Any], moment: Moment | None
) -> None:
    assert InAnswer.model_validate(written).moment == moment


@pytest.mark.parametrize(
    ("written", "key", "sentence"),
    [
        ({"heard": "1 s", "after": "2 s"}, "after", "one moment is enough: heard or after"),
        ({"fraction": 0.5, "heard": "1 s"}, "fraction", "one moment is enough: heard or fraction"),
        ({"fraction": 1}, "fraction", "must be less than 1, not 1"),
        ({"fraction": -0.1}, "fraction", "must be 0 or more, not -0.1"),
        ({"heard": 2}, "heard", "a duration needs its unit: write '2 ms' or '2 s'"),
    ],
)
def test_what_is_no_moment_is_told_with_its_key(written: dict[str, Any], key: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        InAnswer.model_validate(written)
    (error,) = caught.value.errors()
    existing, beyond = fault_location(error)
    assert (*existing, *beyond) == (key,)
    assert fault_sentence(error) == sentence
