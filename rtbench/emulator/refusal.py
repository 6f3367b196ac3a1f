"""Refusals: the API's documented errors, raised where input is judged and answered by `error` events.

Codes and wordings are those that clients of the GA API see in `error.code` and `error.message`;
after each of them the session goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rtbench.core.server_events import ErrorDetail

INVALID_REQUEST = "invalid_request_error"


class Refusal(Exception):
    """One client event cannot be obeyed; nothing of it has been applied."""

    def __init__(self, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param

    def detail(self, event_id: str | None) -> ErrorDetail:
        """The error object, naming the client event at fault."""
        return ErrorDetail(
            type=INVALID_REQUEST, code=self.code, message=self.message, param=self.param, event_id=event_id
        )


def missing_parameter(param: str) -> Refusal:
    return Refusal(f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)


def unknown_parameter(param: str) -> Refusal:
    return Refusal(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def wrong_type(param: str, expected: str, value: Any) -> Refusal:
    message = f"Invalid type for '{param}': expected {expected}, but got {json_type(value)} instead."
    return Refusal(message, code="invalid_type", param=param)


def unsupported_value(param: str, value: Any, supported: Iterable[str]) -> Refusal:
    message = f"Invalid value: {value!r}. Supported values are: {enumerate_values(supported)}."
    return Refusal(message, code="invalid_value", param=param)


def out_of_range(
    param: str, kind: str, value: float, minimum: float | None, maximum: float | None
) -> Refusal:
    """`kind` is "integer" or "decimal"; exactly one bound is broken."""
    if minimum is not None and value < minimum:
        message = f"Invalid '{param}': {kind} below minimum value. Expected a value >= {minimum}, but got {value} instead."
        return Refusal(message, code=f"{kind}_below_min_value", param=param)
    message = f"Invalid '{param}': {kind} above maximum value. Expected a value <= {maximum}, but got {value} instead."
    return Refusal(message, code=f"{kind}_above_max_value", param=param)


def too_long(param: str, length: int, maximum: int) -> Refusal:
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {maximum}, "
        f"but got a string with length {length} instead."
    )
    return Refusal(message, code="string_above_max_length", param=param)


def invalid_audio(param: str) -> Refusal:
    message = f"Invalid '{param}'. Expected base64-encoded audio bytes but got an invalid value."
    return Refusal(message, code="invalid_value", param=param)


def unknown_item(action: str, code_verb: str, item_id: str) -> Refusal:
    """`action` as in the message ("deleting"), `code_verb` as in the code ("delete")."""
    message = f"Error {action} item: the item with id '{item_id}' does not exist."
    return Refusal(message, code=f"item_{code_verb}_invalid_item_id", param="item_id")


def not_truncated(item_id: str) -> Refusal:
    """A truncation that the service could obey, and does not."""
    message = f"Error truncating item: the audio of the item with id '{item_id}' cannot be truncated."
    return Refusal(message, code="invalid_value", param="audio_end_ms")


def json_type(value: Any) -> str:
    """The JSON type of a value, with its article, as the API's messages name it."""
    if value is None:
        return "null"
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a decimal"),
        (str, "a string"),
        ((list, tuple), "an array"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def enumerate_values(values: Iterable[str]) -> str:
    """`'a', 'b', and 'c'`."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 2:
        return "".join(quoted)
    if len(quoted) == 2:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
