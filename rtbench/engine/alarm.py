"""One alarm clock for everything an event loop does on time: frames to send, machines to wake.

asyncio's own timers are too coarse for audio (uvloop rounds to a millisecond, and can fire early), so
on Linux the clock sleeps on a timerfd with an absolute deadline; elsewhere on the loop's timer.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush

from rtbench.clock import NS_PER_MS, NS_PER_S, monotonic_ns

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK_CLOEXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1

EARLY_NS = 50_000
"""An alarm this close is rung now: a system call to wait for it would cost as much."""

TICK_NS = 500_000
"""The clock rings at most this often. A lone alarm rings on time; with hundreds of callers those of half a
millisecond ring together, which spares three of four wake-ups, and makes frames a quarter of it late."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Alarm:
    """One thing to be done at an instant; `cancel` is cheap, and safe at any time."""

    __slots__ = ("_callback", "at_ns")

    def __init__(self, at_ns: int, callback: Callable[[int], None]) -> None:
        self.at_ns = at_ns
        self._callback: Callable[[int], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def ring(self, now: int) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback(now)


class AlarmClock:
    """Rings alarms at absolute instants of the monotonic clock, earliest first, in one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[int, int, Alarm]] = []
        self._order = 0
        self._armed_ns: int | None = None
        self._ringing = False
        self._rung_ns = 0
        self._closed = False
        self._timer = _timer(loop, self._ring)

    def call_at(self, at_ns: int, callback: Callable[[int], None]) -> Alarm:
        """Call `callback(now)` at `at_ns`, or at once in the loop's next round where that is past."""
        alarm = Alarm(at_ns, callback)
        self._push(alarm)
        self._arm(at_ns)
        return alarm

    def close(self) -> None:
        """Ring nothing more, and give the timer back."""
        self._closed = True
        self._heap.clear()
        self._timer.close()

    def _ring(self) -> None:
        """Ring what is due now; what that sets, be it for the past, waits for the loop's next round."""
        self._armed_ns = None
        self._ringing = True
        self._rung_ns = monotonic_ns()
        due = self._take_due(self._rung_ns + EARLY_NS)
        try:
            while due and not self._closed:
                alarm = due.popleft()
                alarm.ring(max(monotonic_ns(), alarm.at_ns))
        finally:
            # One alarm that raises must not silence the others.
            for alarm in due:
                self._push(alarm)
            self._ringing = False
            if self._heap:
                self._arm(self._heap[0][0])

    def _take_due(self, until_ns: int) -> deque[Alarm]:
        heap = self._heap
        due: deque[Alarm] = deque()
        while heap and heap[0][0] <= until_ns:
            due.append(heappop(heap)[2])
        return due

    def _push(self, alarm: Alarm) -> None:
        self._order += 1
        heappush(self._heap, (alarm.at_ns, self._order, alarm))

    def _arm(self, at_ns: int) -> None:
        """Wake at this instant, unless something earlier is awaited; after a ringing it is done once for all."""
        if self._ringing or self._closed:
            return
        at_ns = max(at_ns, self._rung_ns + TICK_NS)
        if self._armed_ns is None or at_ns < self._armed_ns:
            self._armed_ns = at_ns
            self._timer.arm(at_ns)


def _timer(loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> _TimerFd | _LoopTimer:
    if platform.system() == "Linux":
        return _TimerFd(loop, ring)
    return _LoopTimer(loop, ring)


class _TimerFd:
    """A Linux timer as a file descriptor (timerfd_create(2)); Python has it itself from 3.13 on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._loop = loop
        self._ring = ring
        # Thousands of times a second: one structure for all, and nothing for ctypes to find out.
        spec = _Itimerspec()
        self._value = spec.value
        self._spec = ctypes.byref(spec)
        self._settime = self._libc.timerfd_settime
        loop.add_reader(self._fd, self._expired)

    def arm(self, at_ns: int) -> None:
        value = self._value
        value.seconds, value.nanoseconds = divmod(max(at_ns, 1), NS_PER_S)
        self._settime(self._fd, _TFD_TIMER_ABSTIME, self._spec, None)

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _expired(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # re-armed between expiry and this read
            return
        self._ring()


class _LoopTimer:
    """The loop's own timer, where there is no timerfd."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, at_ns: int) -> None:
        self.close()
        # In whole milliseconds, rounded up: uvloop would fire early, and then spin until the instant has come.
        delay_ms = -(-max(0, at_ns - monotonic_ns()) // NS_PER_MS)
        self._handle = self._loop.call_later(delay_ms / 1000, self._ring)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
