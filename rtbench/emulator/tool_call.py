"""Tool calls: which function a response must call, and arguments that fit the function's schema.

The emulator has no mind to choose a tool with: it calls one when it must (`tool_choice` is "required"
or names a function), and speaks otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rtbench.core.client_events import Json
from rtbench.emulator.refusal import Refusal

_SAMPLES: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "null": None}
_DEEPEST = 8
"""Nesting at which samples end, for schemas that contain themselves."""


def required_tool(tools: Sequence[Json], tool_choice: Any, param: str) -> Json | None:
    """The function that must be called, None where the agent may speak.

    Raises Refusal where `tool_choice` names a function that is not among the tools.
    """
    functions = [tool for tool in tools if tool["type"] == "function"]
    if tool_choice == "required":
        return functions[0] if functions else None
    if not isinstance(tool_choice, Mapping) or tool_choice["type"] != "function":
        return None
    for function in functions:
        if function["name"] == tool_choice["name"]:
            return function
    message = f"Tool choice '{tool_choice['name']}' not found in 'tools' parameter."
    raise Refusal(message, code="invalid_value", param=param)


def sample_arguments(function: Json) -> dict[str, Any]:
    """Arguments with every required property of the function's JSON schema."""
    schema = function.get("parameters")
    sample = _sample(schema, 0) if isinstance(schema, Mapping) else {}
    return sample if isinstance(sample, dict) else {}


def _sample(schema: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping):  # `true`: anything will do
        return {}
    named = [schema[key] for key in ("const", "default") if key in schema]
    listed = [value for key in ("enum", "examples") for value in schema.get(key, ())]
    if named or listed:
        return (named + listed)[0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        required = schema.get("required", ()) if depth < _DEEPEST else ()
        return {name: _sample(properties.get(name, {}), depth + 1) for name in required}
    if kind == "array":
        wanted = schema.get("minItems", 0) > 0 and depth < _DEEPEST
        return [_sample(schema.get("items"), depth + 1)] if wanted else []
    return schema.get("minimum", _SAMPLES.get(str(kind), "text"))
