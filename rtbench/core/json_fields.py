"""Reading the service's JSON objects without trusting their shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def field(mapping: Mapping[str, Any], *path: str) -> Any:
    """A value deep in a JSON object of the service's; None where the path does not lead there."""
    value: Any = mapping
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def string(mapping: Mapping[str, Any], *path: str) -> str:
    """A text deep in a JSON object; empty where there is none."""
    value = field(mapping, *path)
    return value if isinstance(value, str) else ""


def count(mapping: Mapping[str, Any], *path: str) -> int:
    """A number of things deep in a JSON object; 0 where there is none, or none that a 64-bit column holds."""
    value = field(mapping, *path)
    return value if type(value) is int and 0 <= value < 1 << 63 else 0
