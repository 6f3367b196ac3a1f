"""What has arrived and waits to be dealt with: all of it is stamped before anything of it is thought about.

A message of one caller may take a millisecond to deal with, and a service that comes back after an
outage answers all callers at once: stamped one by one, the last would seem to have come when those before
it had been dealt with. So messages wait here, in the order of their arrival, and are handed on for
`SLICE_NS` at a time; between two slices the event loop reads and stamps what has come meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from rtbench.clock import NS_PER_MS, monotonic_ns

SLICE_NS = NS_PER_MS // 2
"""Each ends in a round of the event loop: a message that comes alone costs 8 to 10 us more for it (`bench_websocket.py`)."""


class Recipient(Protocol):
    """One connection."""

    def take_next(self) -> None:
        """Deal with the oldest of what has arrived; nothing where it was dealt with ahead of its turn."""

    def abort(self) -> None:
        """It could not be dealt with: the connection is given up."""


class Inbox:
    """The order in which connections take what has arrived; of all that share it one after the other."""

    def __init__(self) -> None:
        """For connections of the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Recipient, int]] = deque()
        self._is_at_work = False
        self._lag_max_ns = 0

    def put(self, recipient: Recipient, arrival_ns: int) -> None:
        """Something has arrived, which the recipient holds until it is asked to take it."""
        self._waiting.append((recipient, arrival_ns))
        if not self._is_at_work:
            self._is_at_work = True
            self._loop.call_soon(self._work)

    def take_lag_max_ns(self) -> int:
        """The longest that anything has waited here since the last call."""
        lag_ns, self._lag_max_ns = self._lag_max_ns, 0
        return lag_ns

    def _work(self) -> None:
        now = monotonic_ns()
        until_ns = now + SLICE_NS
        while self._waiting and now < until_ns:
            recipient, arrival_ns = self._waiting.popleft()
            self._lag_max_ns = max(self._lag_max_ns, now - arrival_ns)
            try:
                recipient.take_next()
            except Exception as error:
                self._loop.call_exception_handler(
                    {"message": "a message could not be dealt with", "exception": error}
                )
                recipient.abort()
            now = monotonic_ns()
        self._is_at_work = bool(self._waiting)
        if self._is_at_work:
            self._loop.call_soon(self._work)
