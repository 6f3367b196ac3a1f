"""The idle timer: how long nobody has spoken since the agent was heard out.

`idle_timeout_ms` runs from `response.done` and the playback time of its audio (API reference,
turn detection).
"""

from __future__ import annotations


class IdleTimer:
    """Armed by a response's end, disarmed by speech or another response."""

    def __init__(self) -> None:
        self._quiet_ns: int | None = None
        self._quiet_sample: int | None = None

    def arm(self, quiet_ns: int) -> None:
        """The agent will have been heard out at `quiet_ns`."""
        self._quiet_ns = quiet_ns
        self._quiet_sample = None

    def disarm(self) -> None:
        self._quiet_ns = None

    def next_wake(self, timeout_ms: int | None) -> int | None:
        if self._quiet_ns is None or timeout_ms is None:
            return None
        return self._quiet_ns if self._quiet_sample is None else self._quiet_ns + timeout_ms * 1_000_000

    def expired(self, timeout_ms: int | None, position: int, now: int) -> int | None:
        """Sample at which the agent had been heard out, once the timeout is over; disarms the timer then.

        `position` is the input's at `now`; it is remembered when the silence begins.
        """
        if self._quiet_ns is None or timeout_ms is None or now < self._quiet_ns:
            return None
        if self._quiet_sample is None:
            self._quiet_sample = position
        if now < self._quiet_ns + timeout_ms * 1_000_000:
            return None
        self.disarm()
        return self._quiet_sample
