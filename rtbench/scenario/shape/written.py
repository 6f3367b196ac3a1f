"""Load shapes as they are written on the command line: `ramp:start=1,users=50,over=2min`."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from rtbench.core.errors import UsageError
from rtbench.scenario.fault import did_you_mean, fault_location, fault_sentence
from rtbench.scenario.shape.choice import Shape
from rtbench.scenario.source import written_path


def parse_shape(written: str) -> Shape:
    """A shape from its words. Raises UsageError."""
    try:
        return Shape.model_validate(_mapping(written))
    except ValidationError as error:
        first = error.errors()[0]
        existing, beyond = fault_location(first)
        raise UsageError(f"--shape: {written_path((*existing, *beyond))}: {fault_sentence(first)}") from None


def _mapping(written: str) -> dict[str, Any]:
    kind, _, rest = written.partition(":")
    fields = Shape.model_fields
    if kind.strip() not in fields:
        raise UsageError(f"--shape: there is no shape '{kind.strip()}'{did_you_mean(kind.strip(), fields)}")
    values: dict[str, Any] = {}
    for part in filter(None, (each.strip() for each in rest.split(","))):
        key, equals, text = (each.strip() for each in part.partition("="))
        if not equals or not key or not text:
            raise UsageError(f"--shape: '{part}' is not KEY=VALUE, as in ramp:start=1,users=50,over=2min")
        values[key] = _value(text)
    return {kind.strip(): values}


def _value(text: str) -> Any:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
