"""A connection without a network: two ends in one process, on a clock that only moves when told to.

Two machines hold a conversation of any length over it in the time that their computing takes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from rtbench.transports.connection import ABNORMAL_CLOSURE, Receiver


class Timer:
    """One call that a `VirtualClock` will make."""

    __slots__ = ("_action", "due_ns")

    def __init__(self, due_ns: int, action: Callable[[], None]) -> None:
        self.due_ns = due_ns
        self._action: Callable[[], None] | None = action

    @property
    def cancelled(self) -> bool:
        return self._action is None

    def cancel(self) -> None:
        """Do not make the call; does nothing once it was made."""
        self._action = None

    def fire(self) -> None:
        """Make the call, once."""
        action, self._action = self._action, None
        if action is not None:
            action()


class VirtualClock:
    """Time for machines under test: it jumps from one due call to the next, calls at one instant in the order asked."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        """Nanoseconds."""

        self._timers: list[tuple[int, int, Timer]] = []
        self._order = count()

    def call_at(self, when: int, action: Callable[[], None]) -> Timer:
        """Call `action` when the clock reads `when`; an instant gone by means now."""
        timer = Timer(max(when, self.now), action)
        heapq.heappush(self._timers, (timer.due_ns, next(self._order), timer))
        return timer

    @property
    def next_due(self) -> int | None:
        """Instant of the next call, None where nothing is planned."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def run_next(self) -> bool:
        """Jump to the next call and make it; False where nothing is planned."""
        due = self.next_due
        if due is None:
            return False
        self.now = due
        heapq.heappop(self._timers)[2].fire()
        return True

    def run_until(self, when: int) -> None:
        """Make all calls due up to `when`, those that they plan included, and leave the clock there."""
        while (due := self.next_due) is not None and due <= when:
            self.run_next()
        self.now = max(self.now, when)


class MemoryConnection:
    """One end of a `memory_pair`; `attach` its receiver before the clock moves."""

    def __init__(self, clock: VirtualClock, delay_ns: int) -> None:
        self._clock = clock
        self._delay_ns = delay_ns
        self._peer: MemoryConnection | None = None
        self._receiver: Receiver | None = None
        self._closing = False
        self._closed = False
        self.pending_bytes = 0
        self.bytes_sent = 0
        self.bytes_received = 0

    def attach(self, receiver: Receiver) -> None:
        """Hand arriving messages to this receiver."""
        self._receiver = receiver

    def link(self, peer: MemoryConnection) -> None:
        """Send to this end."""
        self._peer = peer

    def send(self, message: bytes) -> None:
        """See `Connection`; the message arrives when the delay has passed on the virtual clock."""
        if self._closing:
            return
        self.bytes_sent += len(message)
        self._post(lambda peer: peer._on_message(message))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """See `Connection`; the peer answers with the same code when the frame has reached it."""
        if self._closing:
            return
        self._closing = True
        self._post(lambda peer: peer._on_close_frame(code, reason))

    def abort(self) -> None:
        """See `Connection`; the peer notices after the delay, and receives what was sent before."""
        if self._closed:
            return
        self._closing = True
        self._clock.call_at(self._clock.now, lambda: self._end(ABNORMAL_CLOSURE, "aborted"))
        self._post(lambda peer: peer._end(ABNORMAL_CLOSURE, "connection lost"))

    def _post(self, action: Callable[[MemoryConnection], None]) -> None:
        peer = self._peer
        if peer is None:
            raise RuntimeError("this end of a memory connection was never linked to a peer")
        self._clock.call_at(self._clock.now + self._delay_ns, lambda: action(peer))

    def _on_message(self, message: bytes) -> None:
        if self._closed:
            return
        self.bytes_received += len(message)
        self._attached().on_message(message, self._clock.now)

    def _on_close_frame(self, code: int, reason: str) -> None:
        self.close(code, reason)
        self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        if self._closed:
            return
        self._closing = self._closed = True
        self._attached().on_close(code, reason, self._clock.now)

    def _attached(self) -> Receiver:
        if self._receiver is None:
            raise RuntimeError("something arrived at a memory connection before its receiver was attached")
        return self._receiver


def memory_pair(clock: VirtualClock, delay_ns: int = 0) -> tuple[MemoryConnection, MemoryConnection]:
    """Two linked ends; whatever one sends reaches the other `delay_ns` later, in order."""
    near, far = MemoryConnection(clock, delay_ns), MemoryConnection(clock, delay_ns)
    near.link(far)
    far.link(near)
    return near, far
