"""The shell of a session whose line may be broken on purpose (see `faulty_session`)."""

from __future__ import annotations

import socket
import struct

from rtbench.clock import monotonic_ns
from rtbench.core.farewells import FAREWELLS
from rtbench.core.machine import Outgoing
from rtbench.core.server_events import ErrorReceived
from rtbench.emulator.faulty_messages import RawMessage
from rtbench.emulator.faulty_session import BreakLine
from rtbench.engine.driver import Driver
from rtbench.transports.connection import ABNORMAL_CLOSURE, Connection


class BreakableDriver(Driver):
    """Sends what is no event as it is, and breaks the connection when told to."""

    has_vanished = False
    """Nothing is said any more, a fault on purpose; whoever feeds this answers no pings then."""

    def dispatch(self, outgoing: Outgoing) -> None:
        event = outgoing.event
        if self._connection is None or self.has_vanished:
            return
        if isinstance(event, RawMessage):
            self.send_raw(self._connection, event.data)
            self._machine.sent(event, monotonic_ns())
        elif isinstance(event, BreakLine):
            self.has_vanished = event.how == "vanish"
            self.break_off(self._connection, event)
        else:
            super().dispatch(outgoing)

    def send_raw(self, connection: Connection, data: bytes) -> None:
        """Send a message that no codec has made."""
        connection.send(data)

    def break_off(self, connection: Connection, order: BreakLine) -> None:
        """End the connection as ordered."""
        if order.how == "close":
            break_line(connection, order.code)

    def restart(self, code: int) -> None:
        """The service restarts, and closes this session: with a code, or over WebRTC with what stands for it."""
        if self._connection is not None:
            break_line(self._connection, code)


class BreakableCall(BreakableDriver):
    """The same over WebRTC (see `core.farewells`)."""

    def restart(self, code: int) -> None:
        if self._connection is None:
            return
        if code in FAREWELLS:
            self._connection.send(self._codec.encode(ErrorReceived(error=FAREWELLS[code])))
        break_line(self._connection, code)


def break_line(connection: Connection, code: int) -> None:
    """Close it with this code; 1006, which no frame may carry (RFC 6455, 7.4.1), cuts it by a TCP reset."""
    if code != ABNORMAL_CLOSURE:
        connection.close(code, "a fault on purpose")
        return
    raw = getattr(connection, "raw_socket", None)
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
