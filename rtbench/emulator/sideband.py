"""The sideband: WebSockets into a call that hear what its data channel hears, and may act on its session.

A service opens one beside its user's WebRTC call (`?call_id=rtc_...`), to keep tools and instructions
on its own side.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from rtbench.core.filtered_events import TOLD
from rtbench.transports.connection import ABNORMAL_CLOSURE, Connection


class _Typed(msgspec.Struct):
    """What of a message says whether it passes the filter."""

    type: str


_read = msgspec.json.Decoder(_Typed).decode


class CallConnection(Connection, Protocol):
    """The connection of a call itself: `transports.webrtc.Peer`."""

    def send_regardless(self, message: bytes) -> None:
        """A fault on purpose: one message of any length, whatever the peer takes."""


class SharedConnection:
    """A call's connection and its sidebands as one (see `transports.connection.Connection`)."""

    def __init__(self, connection: CallConnection) -> None:
        self._connection = connection
        self._sidebands: list[Connection] = []
        self.filters = False
        """The call's own connection is told no more than `core.filtered_events.TOLD`, and what is garbage on purpose;
        sidebands hear everything.
        """

    def join(self, sideband: Connection) -> None:
        """Hear all that is sent from here on."""
        self._sidebands.append(sideband)

    def leave(self, sideband: Connection) -> None:
        """Hear no more of it; does nothing for one that has left."""
        if sideband in self._sidebands:
            self._sidebands.remove(sideband)

    def over(self, code: int) -> None:
        """The call has ended, and with it its sidebands."""
        sidebands, self._sidebands = self._sidebands, []
        for sideband in sidebands:
            sideband.close(1000 if code == ABNORMAL_CLOSURE else code, "the call has ended")

    @property
    def pending_bytes(self) -> int:
        return self._connection.pending_bytes

    @property
    def bytes_sent(self) -> int:
        return self._connection.bytes_sent

    @property
    def bytes_received(self) -> int:
        return self._connection.bytes_received

    def send(self, message: bytes) -> None:
        if not self.filters or _read(message).type in TOLD:
            self._connection.send(message)
        for sideband in self._sidebands:
            sideband.send(message)

    def send_regardless(self, message: bytes) -> None:
        """A fault on purpose, of any length: it is no event, and passes the filter."""
        self._connection.send_regardless(message)
        for sideband in self._sidebands:
            sideband.send(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._connection.close(code, reason)

    def abort(self) -> None:
        self._connection.abort()
