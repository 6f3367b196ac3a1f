"""Rate limits as `rate_limits.updated` tells them: what is left of a minute's requests and tokens, refilled steadily."""

from __future__ import annotations

from rtbench.core.client_events import Json

REQUESTS_PER_MINUTE = 20_000
TOKENS_PER_MINUTE = 15_000_000
"""The highest usage tier of the published limits, so that clients which heed them are not slowed down."""

_MINUTE_S = 60


class _Allowance:
    """A bucket that refills within a minute."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._left = float(limit)
        self._at_ns = 0

    def use(self, amount: int, now: int) -> None:
        refilled = (now - self._at_ns) / 1e9 * self._limit / _MINUTE_S
        self._left = max(0.0, min(self._limit, self._left + refilled) - amount)
        self._at_ns = now

    def shown(self) -> Json:
        reset_s = (self._limit - self._left) * _MINUTE_S / self._limit
        return {
            "name": self._name,
            "limit": self._limit,
            "remaining": int(self._left),
            "reset_seconds": round(reset_s, 3),
        }


class RateLimits:
    """A session's own count; nothing is ever refused for it."""

    def __init__(self) -> None:
        self._requests = _Allowance("requests", REQUESTS_PER_MINUTE)
        self._tokens = _Allowance("tokens", TOKENS_PER_MINUTE)

    def use(self, tokens: int, now: int) -> tuple[Json, ...]:
        """Count one response that reads so many tokens; the limits after it."""
        self._requests.use(1, now)
        self._tokens.use(tokens, now)
        return self._requests.shown(), self._tokens.shown()
