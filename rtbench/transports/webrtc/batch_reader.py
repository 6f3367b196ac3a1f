"""Reads the sockets of all peers of an event loop together, every other millisecond.

To be woken for a single packet costs a processor several times what the packet does, so packets wait for each
other. Their stamps are the kernel's, taken as they came in (socket(7), SO_TIMESTAMPNS; Linux only): what waits,
be it for this or for a loop that was held up, is not stamped late. A kernel that stamps for nobody yet begins
milliseconds after the first socket asks; until then it gives the instant of the reading.
"""

from __future__ import annotations

import asyncio
import platform
import select
import socket
from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import TypeAlias
from weakref import WeakKeyDictionary, ref

from rtbench.clock import NS_PER_MS, NS_PER_S, monotonic_ns, unix_offset_ns

GRAIN_NS = 2 * NS_PER_MS
"""From one reading to the next. What a peer says is acted upon so much later, at most; a packet lasts 20 ms."""

MAX_DATAGRAM_BYTES = 2048
"""No peer sends more than fits an Ethernet frame: 1500."""

SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python has no name for it. The same number marks the stamp beside a datagram."""

_TIMESPEC = Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

Address: TypeAlias = tuple[str, int]
TakeDatagram: TypeAlias = Callable[[bytes, Address, int], None]
"""Takes a datagram, the address it came from, and the instant at which it came."""

IS_SUPPORTED = platform.system() == "Linux"


class BatchReader:
    """Reads many sockets at once: as soon as there is something to read, and then at most every `GRAIN_NS`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._users: dict[int, tuple[socket.socket, TakeDatagram]] = {}
        self._ready: deque[int] = deque()
        """Sockets with something to read that had no turn yet."""

        self._pause: asyncio.TimerHandle | None = None
        self._is_open = True
        self._wait()

    def add(self, sock: socket.socket, take: TakeDatagram) -> None:
        """Read this socket from now on. Raises OSError where the kernel stamps no datagrams."""
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._epoll.register(sock.fileno(), select.EPOLLIN)
        except OSError:
            self._close_if_idle()
            raise
        self._users[sock.fileno()] = (sock, take)

    def remove(self, sock: socket.socket) -> None:
        """Read it no more; it is still open. Where it was the last one, nothing of the reader is left."""
        self._epoll.unregister(sock.fileno())
        del self._users[sock.fileno()]
        self._close_if_idle()

    def _wait(self) -> None:
        """Nothing is there to be read: let the loop tell when there is."""
        self._loop.add_reader(self._epoll.fileno(), self._begin)

    def _begin(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._read()

    def _read(self) -> None:
        """Read what has come; each socket in turn, so that nobody's burst keeps the others waiting."""
        self._pause = None
        if not self._ready and not self._look():
            self._wait()
            return
        until_ns = monotonic_ns() + GRAIN_NS
        offset_ns = unix_offset_ns()
        while (self._ready or self._look()) and monotonic_ns() < until_ns:
            self._read_one(self._ready.popleft(), offset_ns)
            if not self._is_open:
                return
        # With more to read than fits, the loop's other work comes first, and then it goes on at once.
        self._pause = self._loop.call_later(0 if self._ready else GRAIN_NS / NS_PER_S, self._read)

    def _look(self) -> bool:
        """See who has something to read."""
        self._ready.extend(fd for fd, _events in self._epoll.poll(0))
        return bool(self._ready)

    def _read_one(self, fd: int, offset_ns: int) -> None:
        user = self._users.get(fd)
        if user is None:  # taken away in this very reading
            return
        sock, take = user
        try:
            data, ancillary, _, address = sock.recvmsg(MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES)
        except OSError:  # an error that ICMP reports; consent checks will notice what it means
            return
        arrival_ns = monotonic_ns()
        if ancillary:
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            # The wall clock may be set between the stamp and here; nothing comes in the future.
            arrival_ns = min(arrival_ns, seconds * NS_PER_S + nanoseconds - offset_ns)
        try:
            take(data, address, arrival_ns)
        except Exception as error:  # one peer's trouble must not cost the others their datagrams
            self._loop.call_exception_handler({"message": "a datagram was not taken", "exception": error})

    def _close_if_idle(self) -> None:
        if self._users:
            return
        self._is_open = False
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        _readers.pop(self._loop, None)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[BatchReader]] = WeakKeyDictionary()
"""A reader knows its loop, so that one held here would keep both for ever; the loop, which is to call it, holds it."""


def batch_reader(loop: asyncio.AbstractEventLoop) -> BatchReader:
    """The reader of this loop. Raises OSError where the process may open no more files."""
    known = _readers.get(loop)
    reader = known() if known is not None else None
    if reader is None:
        reader = BatchReader(loop)
        _readers[loop] = ref(reader)
    return reader
