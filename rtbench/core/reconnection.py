"""What a caller does when the connection goes away: when to try again, what to restore, when to give up.

    lost -> wait `base` -> try; refused -> wait `base * factor` -> try; ... at most `attempts` times,
    then fall back to a text session, or give up; a session that stands resets the count

A service that says when to come back (429 with `retry-after`) is obeyed: the wait is not shorter than
it asks for, and the refusal is counted as a limit, not as a failure. A refusal that no patience can
change (the key, the path, the request) ends the attempts at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rtbench.core.client_events import Json
from rtbench.core.deck import Chance

NS_PER_S = 1_000_000_000

FallBack = Literal["text", "none"]
Restored = Literal["session", "history"]

FINAL_STATUSES = frozenset({400, 401, 403, 404})
"""HTTP refusals that a second try cannot change."""

LIMITED_STATUS = 429

MOST_LIMITED_WAITS = 20
"""How often in a row a caller lets itself be put off before that, too, counts as a failure."""


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """How persistent the caller's application is."""

    attempts: int = 3
    base_ns: int = NS_PER_S
    factor: float = 2.0
    jitter: float = 0.0
    """Share of each wait that is drawn anew: 0.2 makes it 80 to 120 % of itself."""

    cap_ns: int = 30 * NS_PER_S
    """Longest wait."""

    restore: tuple[Restored, ...] = ("session", "history")
    """What a new session is given: the configuration, and the conversation's items as text."""

    fall_back: FallBack = "text"
    """What is left when all attempts have failed: a session in writing, or nothing."""

    fall_back_model: str = ""
    """The model of that session; empty for the same one."""

    rotate_after_ns: int | None = None
    """Age at which a session is replaced by a new one, between two turns; None never."""

    idle_ns: int | None = None
    """A connection on which nothing arrives for so long while an answer is due is asked for a sign of life, and
    given up after as long again; None never."""


END = ReconnectPolicy(attempts=0, fall_back="none")
"""The first loss is the end."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A connection that did not come about."""

    error_class: str
    detail: str = ""
    status: int | None = None
    """HTTP status of the refusal, None where there was no answer."""

    retry_after_ns: int | None = None
    """When the service asks to come back."""

    @property
    def is_limit(self) -> bool:
        """The service is too busy for this caller, and says so in the way that is meant for it."""
        return self.status == LIMITED_STATUS

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES or self.error_class == "credentials_missing"


def asked_wait_ns(rate_limits: Iterable[Json]) -> int:
    """How long `rate_limits.updated` asks a caller to wait: until what is used up is there again; 0 where nothing is."""
    waits_s = [float(limit.get("reset_seconds") or 0) for limit in rate_limits if limit.get("remaining") == 0]
    return round(max(waits_s, default=0.0) * NS_PER_S)


@dataclass(frozen=True, slots=True)
class Dial:
    """Order to the shell: connect."""

    attempt: int
    """0 for the first connection of all; from 1 on after each loss."""

    due_ns: int
    model: str = ""
    """Another model than the scenario's; empty for that."""

    cut_in_handshake: bool = False
    """A fault on purpose: go away in the middle of the upgrade."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Order to the shell: this connection is done with; close it, and hear nothing more of it."""

    abrupt: bool = False
    """Cut it, as it is dead anyway."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Order to the shell: break the connection, a fault on purpose."""

    how: str
    at_ns: int
    in_handshake: bool = False
    """Break the next connection too, while it is being made."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Order to the shell: ask for a sign of life; the answer is fed back as `Pong`."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The other end is alive."""


class Backoff:
    """When to try next. A new one for each outage would be the same as `reset`."""

    def __init__(self, policy: ReconnectPolicy, chance: Chance) -> None:
        self.attempts = 0
        """Tries so far, since the last session that stood."""

        self.limited = 0
        """Refusals by a limit in a row."""

        self._policy = policy
        self._chance = chance

    def reset(self) -> None:
        """A session stands."""
        self.attempts = self.limited = 0

    def next_wait_ns(self, refused: Refused | None = None) -> int | None:
        """How long to wait before the next try, after a loss or a refusal; None where it is time to give up."""
        policy = self._policy
        if refused is not None and refused.is_final:
            return None
        if refused is not None and refused.is_limit and self.limited < MOST_LIMITED_WAITS:
            self.limited += 1
            # The try that was put off does not count, so its wait is not doubled either.
            return max(refused.retry_after_ns or 0, self._wait_ns(max(self.attempts, 1)))
        if self.attempts >= policy.attempts:
            return None
        self.attempts += 1
        return max(self._wait_ns(self.attempts), (refused.retry_after_ns or 0) if refused else 0)

    def _wait_ns(self, attempt: int) -> int:
        policy = self._policy
        # 2^60 s is past any cap: a large count of tries must not overflow.
        plain_ns = min(policy.base_ns * policy.factor ** min(attempt - 1, 60), float(policy.cap_ns))
        spread = policy.jitter * (2 * self._chance.random() - 1) if policy.jitter else 0.0
        return round(plain_ns * (1 + spread))
