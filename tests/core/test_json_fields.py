from typing import Any

import pytest

from rtbench.core.json_fields import count, field, string

OBJECT: dict[str, Any] = {
    "id": "resp_1",
    "empty": None,
    "usage": {"tokens": 12, "details": {"audio": 7, "flag": True, "ratio": 1.0, "text": "3", "debt": -4}},
    "list": [{"id": "x"}],
}


def test_a_value_is_found_by_its_path() -> None:
    assert field(OBJECT, "usage", "details", "audio") == 7
    assert field(OBJECT) is OBJECT


@pytest.mark.parametrize(
    "path",
    [("nothing",), ("empty",), ("empty", "more"), ("id", "more"), ("list", "id"), ("usage", "details", "x")],
)
def test_a_path_that_leads_nowhere_is_none_empty_or_zero(path) -> None:
    assert field(OBJECT, *path) is None
    assert string(OBJECT, *path) == ""
    assert count(OBJECT, *path) == 0


def test_a_text_is_only_a_text() -> None:
    assert string(OBJECT, "id") == "resp_1"
    assert string(OBJECT, "usage") == ""
    assert string(OBJECT, "usage", "tokens") == ""


@pytest.mark.parametrize("name", ["flag", "ratio", "text", "debt"])
def test_a_count_is_only_a_whole_number_that_is_not_negative(name) -> None:
    assert count(OBJECT, "usage", "tokens") == 12
    assert count(OBJECT, "usage", "details", name) == 0


def test_a_count_fits_a_64_bit_column() -> None:
    assert count({"n": 2**63 - 1}, "n") == 2**63 - 1
    assert count({"n": 2**63}, "n") == 0


def test_a_count_is_never_a_bool() -> None:
    assert type(count({"n": True}, "n")) is int


def test_what_is_no_object_has_no_fields() -> None:
    for value in (None, [], "text", 5):
        assert field({"usage": value}, "usage", "tokens") is None
