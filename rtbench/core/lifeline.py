"""Whether the other end is still there: a line on which nothing comes while something is due is asked, then given up."""

from __future__ import annotations


class Lifeline:
    """Watches one connection after the other, for `idle_ns` of silence while an answer is due.

    Silence while nothing is due means nothing: a service that waits for its caller has nothing to say.
    """

    def __init__(self, idle_ns: int | None) -> None:
        """None: never doubt."""
        self._idle_ns = idle_ns
        self._last_sign_ns = 0
        self._asked_ns: int | None = None

    def sign(self, now: int) -> None:
        """Something came."""
        self._last_sign_ns = now
        self._asked_ns = None

    def next_wake(self, due_since_ns: int | None) -> int | None:
        """When to look again; `due_since_ns` is since when something has been due, None while nothing is."""
        if self._idle_ns is None or due_since_ns is None:
            return None
        if self._asked_ns is not None:
            return self._asked_ns + self._idle_ns
        return max(self._last_sign_ns, due_since_ns) + self._idle_ns

    def should_ask(self, due_since_ns: int | None, now: int) -> bool:
        """Whether to ask for a sign of life now; true once for each silence."""
        wake_ns = self.next_wake(due_since_ns)
        if self._asked_ns is not None or wake_ns is None or now < wake_ns:
            return False
        self._asked_ns = now
        return True

    def is_dead(self, due_since_ns: int | None, now: int) -> bool:
        """Whether the line was asked, and has not answered for as long again."""
        wake_ns = self.next_wake(due_since_ns)
        return self._asked_ns is not None and wake_ns is not None and now >= wake_ns
