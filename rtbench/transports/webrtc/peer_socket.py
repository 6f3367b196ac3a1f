"""A UDP socket of one peer: read and written right here, and may pass a simulated network.

It goes around asyncio's transports, which take two system calls to read a datagram, and a task's
context to hand it over. What the socket does not take at once is lost, as it is wherever else a queue of
the network is full: media that waits is worth nothing.

Leant on in aioice, beside the documented methods of `StunProtocol`: that its `close` and `send_stun` are
all that it does with a transport, and that `transactions` holds its open requests by their names.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol, cast

from aioice.ice import Connection, StunProtocol
from aioice.stun import Message

from rtbench.clock import monotonic_ns
from rtbench.transports.webrtc.batch_reader import (
    IS_SUPPORTED,
    MAX_DATAGRAM_BYTES,
    Address,
    BatchReader,
    batch_reader,
)
from rtbench.transports.webrtc.events import Datagram, DatagramPath, PathFactory

RECEIVE_BUFFER_BYTES = 1 << 18
"""Holds 20 s of audio packets, should the process stand still."""

_STUN_NAME = slice(8, 20)
"""Where a STUN message has the name of its transaction (RFC 8489, 5)."""

_STUN_LAST = 3
"""A datagram's first byte tells protocols apart (RFC 7983, 7): 0 to 3 STUN, 20 to 63 DTLS, 128 to 191 RTP and RTCP."""


class SocketUser(Protocol):
    """The ICE connection of the socket: counts what passes, and takes what is not STUN."""

    is_dark: bool
    bytes_sent: int
    bytes_received: int
    last_arrival_ns: int

    def take(self, data: bytes, arrival_ns: int) -> None: ...


class PeerSocket(StunProtocol):
    """STUN for aioice, everything else straight to the connection."""

    def __init__(self, user: SocketUser, sock: socket.socket, path: PathFactory | None) -> None:
        super().__init__(cast(Connection, user))
        self.answered_ns = 0
        """When the last answer to a request of ours came; whoever waits for it is told later, with its batch."""

        self._user = user
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._receive = sock.recvfrom
        self._send = sock.sendto
        self._is_open = True
        self._batches: BatchReader | None = None
        self._path: DatagramPath | None = path(self._put, self._take) if path is not None else None
        self._loop.add_reader(sock.fileno(), self._read)

    async def close(self) -> None:
        """Override: give the socket back; nothing is sent or heard any more."""
        if self._is_open:
            self._is_open = False
            self._stop_reading()
            self._socket.close()
            self.connection_lost(None)

    def read_in_batches(self) -> None:
        """Read it together with those of other peers from now on, where that can be done; see `batch_reader`.

        Not with a simulated network, which would be late by the time that its datagrams wait, nor where the kernel
        stamps none: it is then read as before.
        """
        if not IS_SUPPORTED or self._path is not None or self._batches is not None or not self._is_open:
            return
        try:
            reader = batch_reader(self._loop)
            reader.add(self._socket, self._hand_over)
        except OSError:
            return
        self._loop.remove_reader(self._socket.fileno())
        self._batches = reader

    def send_stun(self, message: Message, addr: Address) -> None:
        """Override: ICE's own checks pass the path as well."""
        self.send_datagram(bytes(message), addr)

    def send_datagram(self, data: bytes, address: Address) -> None:
        """Put a datagram on the socket, or on the path to it."""
        if self._path is None:
            self._write(data, address)
        elif not self._user.is_dark:
            self._path.send(Datagram(data, address))

    def _read(self) -> None:
        """A datagram came; the first thing is to stamp it. Where more wait, the loop calls again."""
        arrival_ns = monotonic_ns()
        try:
            data, address = self._receive(MAX_DATAGRAM_BYTES)
        except OSError:  # taken away meanwhile, or an error that ICMP reports and consent checks will notice
            return
        if self._path is None:
            self._hand_over(data, address, arrival_ns)
        elif not self._user.is_dark:
            self._path.deliver(Datagram(data, address[:2]))

    def _stop_reading(self) -> None:
        if self._batches is not None:
            self._batches.remove(self._socket)
            self._batches = None
        else:
            self._loop.remove_reader(self._socket.fileno())

    def _write(self, data: bytes, address: Address) -> None:
        user = self._user
        if user.is_dark or not self._is_open:
            return
        try:
            user.bytes_sent += self._send(data, address)
        except OSError:  # its buffer is full, or there is no way there now: lost
            return

    def _put(self, datagram: Datagram) -> None:
        """The path has let a datagram through."""
        self._write(datagram.data, datagram.address)

    def _take(self, datagram: Datagram) -> None:
        if self._is_open:
            self._hand_over(datagram.data, datagram.address, monotonic_ns())

    def _hand_over(self, data: bytes, address: Address, arrival_ns: int) -> None:
        user = self._user
        if user.is_dark:
            return
        user.bytes_received += len(data)
        # The kernel's first stamps are late ones, see `batch_reader`; what is read later did not come earlier.
        user.last_arrival_ns = arrival_ns = max(arrival_ns, user.last_arrival_ns)
        if data and data[0] > _STUN_LAST:
            user.take(data, arrival_ns)
        else:
            if data[_STUN_NAME] in self.transactions:
                self.answered_ns = arrival_ns
            self.datagram_received(data, address)


def bound_socket(address: str) -> socket.socket:
    """A socket at any free port of this address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.bind((address, 0))
    except BaseException:
        sock.close()
        raise
    return sock
