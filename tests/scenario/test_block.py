"""Blocks: known keys only, and YAML's types as they are."""

import pytest
from pydantic import ConfigDict, ValidationError

from rtbench.scenario.block import Block, scalar_or_mapping


class Kettle(Block):
    """A block."""

    litres: float = 1.0
    """How much it holds."""

    lid: bool = True


class OpenKettle(Kettle):
    model_config = ConfigDict(extra="allow")


def test_an_unknown_key_is_told_the_nearest_one_before_anything_else() -> None:
    with pytest.raises(ValidationError) as caught:
        Kettle.model_validate({"litre": "x", "lid": 3})
    (error,) = caught.value.errors()
    assert error["msg"] == "unknown key 'litre'; did you mean 'litres'?"


@pytest.mark.parametrize(
    "wrong", [{"litres": "1"}, {"litres": True}, {"lid": 1}, {"litres": float("nan")}, []]
)
def test_nothing_is_converted(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Kettle.model_validate(wrong)


def test_a_whole_number_is_a_number() -> None:
    assert Kettle.model_validate({"litres": 2}).litres == 2


def test_a_block_that_passes_keys_on_takes_any() -> None:
    assert OpenKettle.model_validate({"colour": "red"}).model_extra == {"colour": "red"}


def test_a_block_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Kettle().litres = 3


def test_docstrings_are_descriptions() -> None:
    assert Kettle.model_json_schema()["properties"]["litres"]["description"] == "How much it holds."


@pytest.mark.parametrize(
    ("written", "tag"), [("a", "scalar"), (3, "scalar"), ({"a": 1}, "mapping"), (Kettle(), "mapping")]
)
def test_a_union_is_told_apart_by_shape(written: object, tag: str) -> None:
    assert scalar_or_mapping(written) == tag
