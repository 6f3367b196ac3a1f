"""Ports that stay the emulator's while it does not listen, in a restart: callers are refused, and nobody else is given them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any


class HeldPorts(ExitStack):
    """Addresses that are bound, and not listened on; a context manager that lets go of them.

    Who listens with SO_REUSEADDR, as asyncio does, can do so while they are held. An address that cannot be bound is
    not held: whoever wants to listen there will be told.
    """

    def __init__(self, addresses: Sequence[tuple[int, Any]]) -> None:
        """`addresses` are families and names of sockets (`getsockname`)."""
        super().__init__()
        self.held = 0
        for family, name in addresses:
            holder = socket.socket(family, socket.SOCK_STREAM)
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                holder.bind(name)
            except OSError:
                holder.close()
            else:
                self.enter_context(holder)
                self.held += 1
