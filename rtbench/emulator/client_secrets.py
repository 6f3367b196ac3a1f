"""Client secrets: keys that live for minutes and carry a session's configuration, so that a browser may hold them.

One opens any number of sessions until it expires, over WebSocket and WebRTC, and can make no further
secrets (API reference, `POST /v1/realtime/client_secrets`).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.core.client_events import Json
from rtbench.emulator import parameters
from rtbench.emulator.access import HttpError, check_key, refused, shown_key
from rtbench.emulator.checks import anything, choice, integer, record
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.settings import Settings

PREFIX = "ek_"
DEFAULT_MODEL = "gpt-realtime"
"""Of a configuration that names none."""

DEFAULT_LIFE_S = 600
REMEMBERED_S = 600
"""For so long an expired secret is told from one that never was; then it is forgotten, whoever made it has it no more."""

_LIFE_S = integer(10, 7200)
_BODY = record(
    {
        "expires_after": record({"anchor": choice("created_at"), "seconds": _LIFE_S}),
        "session": anything,
    }
)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """One key, and what sessions opened with it are."""

    value: str
    expires_at: int
    """Unix seconds; it is of no use from then on."""

    configuration: Json


class ClientSecrets:
    """All that have been issued and not forgotten, beside the keys of the service itself."""

    def __init__(self, key: str | None = None) -> None:
        """`key` is the only ordinary one accepted; any is where it is None."""
        self._key = key
        self._issued: dict[str, ClientSecret] = {}
        self._expiries: list[tuple[int, str]] = []
        """A heap of all in `_issued`, the first to expire on top: lives differ, so no order of issue would do."""

    @property
    def kept(self) -> int:
        """How many are remembered, expired ones among them."""
        return len(self._issued)

    def check(self, headers: Mapping[str, str], written: Any) -> dict[str, Any]:
        """Whether a secret may be issued; the configuration that it would carry.

        Raises HttpError 401 for any key but an ordinary one, 400 for a body that is not allowed.
        """
        check_key(headers, self._key)
        if shown_key(headers).startswith(PREFIX):
            raise HttpError(401, "Client secrets cannot make client secrets.", "invalid_api_key")
        try:
            _check_body(written)
            return checked_configuration(written.get("session"))
        except Refusal as error:
            raise refused(error) from None

    def issue(self, headers: Mapping[str, str], written: Any, token: str, now_s: int) -> dict[str, Any]:
        """A new secret, as the body that answers the request; `token` makes it unique. Raises HttpError as `check`."""
        configuration = self.check(headers, written)
        life_s = (written.get("expires_after") or {}).get("seconds", DEFAULT_LIFE_S)
        secret = ClientSecret(f"{PREFIX}{token}", now_s + life_s, configuration)
        self._forget_expired(now_s)
        self._issued[secret.value] = secret
        heapq.heappush(self._expiries, (secret.expires_at, secret.value))
        session = _session(configuration, f"sess_{token}")
        return {"value": secret.value, "expires_at": secret.expires_at, "session": session}

    def admit(self, headers: Mapping[str, str], now_s: int) -> Json | None:
        """What a session opened with this request's key is configured with; None for an ordinary key.

        Raises HttpError 401 without a key, with a wrong one, and with a secret that is unknown or has expired.
        """
        key = shown_key(headers)
        if not key.startswith(PREFIX):
            check_key(headers, self._key)
            return None
        secret = self._issued.get(key)
        if secret is None:
            raise HttpError(401, "Incorrect API key provided.", "invalid_api_key")
        if now_s >= secret.expires_at:
            raise HttpError(401, "This client secret has expired.", "token_expired")
        return secret.configuration

    def _forget_expired(self, now_s: int) -> None:
        """Looks at none that stays but one, however many there are."""
        while self._expiries and now_s >= self._expiries[0][0] + REMEMBERED_S:
            del self._issued[heapq.heappop(self._expiries)[1]]


def checked_configuration(written: Any) -> dict[str, Any]:
    """A session's configuration with its type and model. Raises Refusal for one that is not allowed."""
    if written is None:
        written = {"type": "realtime"}
    parameters.SESSION(written, "session")
    configuration = {**written, "model": written.get("model") or DEFAULT_MODEL}
    _session(configuration, "")
    return configuration


def _session(configuration: Json, session_id: str) -> Json:
    """The session object that it makes."""
    settings = Settings.defaults(session_id=session_id, model=configuration["model"], expires_at=0)
    return settings.updated(configuration, spoken=False).json


def _check_body(written: Any) -> None:
    """Raises Refusal, naming parameters from the body's root on."""
    try:
        _BODY(written, "")
    except Refusal as error:
        message = error.message.replace("'.", "'")
        param = (error.param or "").lstrip(".") or None
        raise Refusal(message, code=error.code, param=param) from None
