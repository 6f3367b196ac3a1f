"""The shell of a session whose line may be broken on purpose (see `faulty_session`)."""

from __future__ import annotations

import socket
import struct

from rtbench.clock import monotonic_ns
from rtbench.core.machine import Outgoing
from rtbench.emulator.faulty_session import BreakLine, RawMessage
from rtbench.engine.driver import Driver
from rtbench.transports.connection import ABNORMAL_CLOSURE, Connection


class BreakableDriver(Driver):
    """Sends what is no event as it is, and breaks the connection when told to."""

    def dispatch(self, outgoing: Outgoing) -> None:
        event = outgoing.event
        if isinstance(event, RawMessage):
            if self._connection is not None:
                self._connection.send(event.data)
                self._machine.sent(event, monotonic_ns())
        elif isinstance(event, BreakLine):
            if self._connection is not None:
                break_line(self._connection, event.code)
        else:
            super().dispatch(outgoing)


def break_line(connection: Connection, code: int) -> None:
    """Close it with this code; 1006, which no frame may carry (RFC 6455, 7.4.1), cuts it by a TCP reset."""
    if code != ABNORMAL_CLOSURE:
        connection.close(code, "a fault on purpose")
        return
    raw = getattr(connection, "raw_socket", None)
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
