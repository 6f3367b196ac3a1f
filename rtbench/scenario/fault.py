"""What is wrong with a scenario, as one sentence: pydantic's findings in the user's words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of a file to a value."""

FAULT = "scenario"
"""The error type of everything that rtbench's own checks find."""

_SENTENCES = {
    "missing": "is missing",
    "string_type": "must be text, not {input}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "int_type": "must be a whole number, not {input}",
    "int_from_float": "must be a whole number, not {input}",
    "float_type": "must be a number, not {input}",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false, not {input}",
    "list_type": "must be a list, not {input}",
    "tuple_type": "must be a list, not {input}",
    "dict_type": "must be a mapping of keys, not {input}",
    "model_type": "must be a mapping of keys, not {input}",
    "model_attributes_type": "must be a mapping of keys, not {input}",
    "too_short": "needs at least {min_length} entry, has {actual_length}",
    "greater_than": "must be more than {gt:g}, not {input}",
    "greater_than_equal": "must be {ge:g} or more, not {input}",
    "less_than": "must be less than {lt:g}, not {input}",
    "less_than_equal": "must be {le:g} or less, not {input}",
    "union_tag_not_found": "must be a mapping with a {discriminator}",
}


def fault(sentence: str, *at: str | int) -> PydanticCustomError:
    """An error to raise in a validator; `at` leads from the validated value to the key that is meant."""
    return PydanticCustomError(FAULT, "{sentence}", {"sentence": sentence, "at": at})


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The nearest valid name as the end of a sentence, or all of them where none is near."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; valid are {', '.join(names)}" if names else ""


def shown(value: Any) -> str:
    """A value of the file as an error quotes it: short, and in YAML's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    text = text if len(text) <= 40 else text[:37] + "..."
    return repr(text) if isinstance(value, str) else text


def fault_location(error: ErrorDetails) -> tuple[KeyPath, KeyPath]:
    """Where it is wrong: pydantic's location of what exists, and keys from there on that may not exist."""
    location = error["loc"]
    if error["type"] == FAULT:
        return location, error["ctx"]["at"]
    return (location[:-1], location[-1:]) if error["type"] == "missing" else (location, ())


def fault_sentence(error: ErrorDetails) -> str:
    """What is wrong there, without the place."""
    kind, ctx, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == FAULT:
        return str(ctx["sentence"])
    if kind == "value_error":
        return str(ctx["error"])
    if kind in ("literal_error", "enum"):
        valid = re.findall(r"'([^']*)'", ctx["expected"])
        return f"must not be {shown(value)}{did_you_mean(str(value), valid)}"
    if kind == "union_tag_invalid":
        valid = re.findall(r"'([^']*)'", ctx["expected_tags"])
        return f"unknown {ctx['discriminator']} '{ctx['tag']}'{did_you_mean(str(ctx['tag']), valid)}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**ctx, input=shown(value))
    return error["msg"][0].lower() + error["msg"][1:]
