"""Checks: the shapes that JSON parameters may have, as small composable functions.

A check takes a value and the parameter's full name (`session.audio.input.format`), returns nothing
for what is allowed, and raises `Refusal` with the documented code for anything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from rtbench.emulator import refusal

Check = Callable[[Any, str], None]


def anything(value: Any, param: str) -> None:
    """Accepts any JSON value."""


def text(max_length: int | None = None) -> Check:
    def check(value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise refusal.wrong_type(param, "a string", value)
        if max_length is not None and len(value) > max_length:
            raise refusal.too_long(param, len(value), max_length)

    return check


def flag(value: Any, param: str) -> None:
    """Accepts true and false."""
    if not isinstance(value, bool):
        raise refusal.wrong_type(param, "a boolean", value)


def choice(*values: str) -> Check:
    def check(value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise refusal.wrong_type(param, f"one of {refusal.enumerate_values(values)}", value)
        if value not in values:
            raise refusal.unsupported_value(param, value, values)

    return check


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    def check(value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise refusal.wrong_type(param, "an integer", value)
        _check_range(value, param, "integer", minimum, maximum)

    return check


def decimal(minimum: float | None = None, maximum: float | None = None) -> Check:
    def check(value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise refusal.wrong_type(param, "a decimal", value)
        _check_range(value, param, "decimal", minimum, maximum)

    return check


def nullable(inner: Check) -> Check:
    def check(value: Any, param: str) -> None:
        if value is not None:
            inner(value, param)

    return check


def constant_or(constant: str, inner: Check) -> Check:
    """Accepts one constant string, and what `inner` accepts."""

    def check(value: Any, param: str) -> None:
        if value != constant:
            inner(value, param)

    return check


def text_or(inner: Check) -> Check:
    """Accepts any string, and what `inner` accepts."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, str):
            inner(value, param)

    return check


def array(inner: Check, max_length: int | None = None) -> Check:
    def check(value: Any, param: str) -> None:
        if not isinstance(value, list | tuple):
            raise refusal.wrong_type(param, "an array", value)
        if max_length is not None and len(value) > max_length:
            message = (
                f"Invalid '{param}': array too long. Expected an array with maximum length {max_length}, "
                f"but got an array with length {len(value)} instead."
            )
            raise refusal.Refusal(message, code="array_above_max_length", param=param)
        for index, element in enumerate(value):
            inner(element, f"{param}[{index}]")

    return check


def table(inner: Check, *, max_entries: int, max_key_length: int) -> Check:
    """An object of free keys, such as metadata."""

    def check(value: Any, param: str) -> None:
        _check_object(value, param)
        if len(value) > max_entries:
            message = f"Invalid '{param}': too many properties. Expected at most {max_entries}, but got {len(value)} instead."
            raise refusal.Refusal(message, code="object_above_max_properties", param=param)
        for key, entry in value.items():
            text(max_key_length)(key, param)
            inner(entry, f"{param}.{key}")

    return check


def record(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object of known fields; others are refused, as the API does."""

    def check(value: Any, param: str) -> None:
        _check_object(value, param)
        for name in required:
            if name not in value:
                raise refusal.missing_parameter(f"{param}.{name}")
        for name, entry in value.items():
            inner = fields.get(name)
            if inner is None:
                raise refusal.unknown_parameter(f"{param}.{name}")
            inner(entry, f"{param}.{name}")

    return check


def tagged(variants: Mapping[str, Check], tag: str = "type") -> Check:
    """An object whose `tag` field tells which shape the rest has; that shape lists the tag too."""

    def check(value: Any, param: str) -> None:
        _check_object(value, param)
        if tag not in value:
            raise refusal.missing_parameter(f"{param}.{tag}")
        choice(*variants)(value[tag], f"{param}.{tag}")
        variants[value[tag]](value, param)

    return check


def _check_object(value: Any, param: str) -> None:
    if not isinstance(value, Mapping):
        raise refusal.wrong_type(param, "an object", value)


def _check_range(value: float, param: str, kind: str, minimum: float | None, maximum: float | None) -> None:
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        raise refusal.out_of_range(param, kind, value, minimum, maximum)
