"""Who may open a session, and which: keys and query of an upgrade request, with the API's HTTP errors."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from rtbench.emulator.capacity import RATE_LIMIT_EXCEEDED, Capacity, Occupancy
from rtbench.emulator.refusal import Refusal

SUBPROTOCOL = "realtime"
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""How a browser, which cannot set headers, shows its key (API guide, "WebSocket")."""


@dataclass(frozen=True, slots=True)
class HttpError(Exception):
    """An HTTP answer with the API's error body."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None

    def json(self) -> dict[str, dict[str, str | None]]:
        error = {
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


def refused(refusal: Refusal) -> HttpError:
    """A refusal of what was sent, as an HTTP answer."""
    return HttpError(400, refusal.message, refusal.code, refusal.param)


def check_key(headers: Mapping[str, str], expected: str | None) -> None:
    """Raises HttpError 401 without a key, and with another one than `expected` where that is given."""
    key = shown_key(headers)
    if not key:
        raise HttpError(401, "You didn't provide an API key.", "missing_api_key")
    if expected is not None and not hmac.compare_digest(key.encode(), expected.encode()):
        raise HttpError(401, "Incorrect API key provided.", "invalid_api_key")


def check_room(occupancy: Occupancy, capacity: Capacity | None) -> None:
    """Raises HttpError 429 or 503, as the profile says, where no more sessions may begin."""
    if capacity is not None and not occupancy.has_room(capacity):
        raise HttpError(capacity.refusal, "Too many sessions at a time.", RATE_LIMIT_EXCEEDED)


def shown_key(headers: Mapping[str, str]) -> str:
    """The key in a bearer token, in Azure's `api-key` header or among the subprotocols; empty if there is none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if headers.get("api-key"):
        return headers["api-key"]
    for name in headers.get("Sec-WebSocket-Protocol", "").split(","):
        if name.strip().startswith(KEY_SUBPROTOCOL):
            return name.strip().removeprefix(KEY_SUBPROTOCOL)
    return ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a WebSocket is to be: a session with a model, or a second line into a call; one of the two."""

    model: str = ""
    call_id: str = ""


def asked_session(query: Mapping[str, str]) -> Asked:
    """What is asked for. Raises HttpError for any other query than exactly one `model` or `call_id`."""
    given = [name for name in ("model", "call_id", "intent") if query.get(name)]
    if len(given) > 1:
        names = "' and '".join(given)
        raise HttpError(400, f"Only one of '{names}' may be given.", "invalid_value", given[1])
    if not given:
        raise HttpError(400, "You must provide a model parameter.", "missing_required_parameter", "model")
    if given == ["intent"]:
        raise HttpError(400, "The emulator holds no transcription sessions.", "unsupported_value", "intent")
    return Asked(query.get("model", ""), query.get("call_id", ""))


def asks_for_beta(headers: Mapping[str, str]) -> bool:
    """The header of the retired beta: the service upgrades, tells its error and closes with 4000."""
    return headers.get("OpenAI-Beta", "").strip() == "realtime=v1"
