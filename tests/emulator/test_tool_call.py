from __future__ import annotations

import pytest

from rtbench.emulator.refusal import Refusal
from rtbench.emulator.tool_call import required_tool, sample_arguments

TOOLS = [
    {"type": "mcp", "server_label": "s"},
    {"type": "function", "name": "f"},
    {"type": "function", "name": "g"},
]


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("auto", None),
        ("none", None),
        ("required", "f"),
        ({"type": "function", "name": "g"}, "g"),
        ({"type": "mcp", "server_label": "s"}, None),
    ],
)
def test_a_tool_is_called_only_where_it_must_be(choice, name):
    tool = required_tool(TOOLS, choice, "p")
    assert (tool and tool["name"]) == name


def test_without_functions_nothing_can_be_required():
    assert required_tool(TOOLS[:1], "required", "p") is None


def test_an_unknown_function_is_refused():
    with pytest.raises(Refusal):
        required_tool(TOOLS, {"type": "function", "name": "h"}, "p")


def test_arguments_have_every_required_property_of_its_type():
    properties = {
        "text": {"type": "string"},
        "when": {"type": "string", "enum": ["today", "tomorrow"]},
        "count": {"type": "integer", "minimum": 3},
        "share": {"type": "number"},
        "sure": {"type": ["null", "boolean"]},
        "kind": {"const": "a"},
        "size": {"default": 9, "type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "none": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"city": {"examples": ["Bonn"]}}, "required": ["city"]},
        "optional": {"type": "string"},
        "anything": True,
    }
    required = [name for name in properties if name != "optional"]
    function = {"parameters": {"type": "object", "properties": properties, "required": required}}
    assert sample_arguments(function) == {
        "text": "text",
        "when": "today",
        "count": 3,
        "share": 1.0,
        "sure": True,
        "kind": "a",
        "size": 9,
        "tags": ["text"],
        "none": [],
        "place": {"city": "Bonn"},
        "anything": {},
    }


@pytest.mark.parametrize("function", [{}, {"parameters": None}, {"parameters": {"type": "string"}}])
def test_a_function_without_parameters_is_called_with_none(function):
    assert sample_arguments(function) == {}


def test_a_schema_that_contains_itself_comes_to_an_end():
    schema: dict = {"type": "object", "required": ["child"], "properties": {}}
    schema["properties"]["child"] = schema
    assert "child" in sample_arguments({"parameters": schema})
