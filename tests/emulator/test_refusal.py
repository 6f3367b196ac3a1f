from __future__ import annotations

import pytest

from rtbench.core.server_events import ErrorDetail
from rtbench.emulator import refusal


def test_a_refusal_becomes_the_api_s_error_object():
    refused = refusal.missing_parameter("session.type")
    assert refused.detail("event_1") == ErrorDetail(
        type="invalid_request_error",
        code="missing_required_parameter",
        message="Missing required parameter: 'session.type'.",
        param="session.type",
        event_id="event_1",
    )


@pytest.mark.parametrize(
    ("refused", "code", "message"),
    [
        (refusal.unknown_parameter("a.b"), "unknown_parameter", "Unknown parameter: 'a.b'."),
        (
            refusal.wrong_type("a", "an object", []),
            "invalid_type",
            "Invalid type for 'a': expected an object, but got an array instead.",
        ),
        (
            refusal.unsupported_value("a", "x", ("y", "z")),
            "invalid_value",
            "Invalid value: 'x'. Supported values are: 'y' and 'z'.",
        ),
        (
            refusal.out_of_range("a", "integer", 0, 1, None),
            "integer_below_min_value",
            "Invalid 'a': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        ),
        (
            refusal.out_of_range("a", "decimal", 2.0, 0.0, 1.5),
            "decimal_above_max_value",
            "Invalid 'a': decimal above maximum value. Expected a value <= 1.5, but got 2.0 instead.",
        ),
        (
            refusal.unknown_item("deleting", "delete", "i"),
            "item_delete_invalid_item_id",
            "Error deleting item: the item with id 'i' does not exist.",
        ),
    ],
)
def test_codes_and_messages_are_those_of_the_api(refused, code, message):
    assert (refused.code, refused.message) == (code, message)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a decimal"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_json_types_are_named_with_their_article(value, name):
    assert refusal.json_type(value) == name


@pytest.mark.parametrize(
    ("values", "text"),
    [((), ""), (("a",), "'a'"), (("a", "b"), "'a' and 'b'"), (("a", "b", "c"), "'a', 'b', and 'c'")],
)
def test_values_are_listed_as_in_a_sentence(values, text):
    assert refusal.enumerate_values(values) == text
