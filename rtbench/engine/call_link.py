"""One connection of a call, from the dialling to its end: what still may pass it, and what it has carried.

A call has one after the other. What comes of one that was left goes nowhere; one that is half open, a
fault on purpose, lets nothing through in either direction and tells nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rtbench.core.rtp import Media, Packet
from rtbench.core.streamed_voice import StreamedVoice
from rtbench.transports.connection import Connection


class LinkUser(Protocol):
    """The call behind the link."""

    def begin_connection(self, link: CallLink) -> None: ...

    def on_message(self, message: bytes, arrival_ns: int) -> None: ...

    def on_packet(self, packet: Packet, arrival_ns: int) -> None: ...

    def on_close(self, code: int, reason: str, now_ns: int) -> None: ...

    def open_media(self, media: Media) -> StreamedVoice: ...


class CallLink:
    """The receiver of one connection, and the connection itself with a gate in it."""

    def __init__(self, call: LinkUser) -> None:
        self.is_left = False
        """The call is done with it."""

        self._call = call
        self._connection: Connection | None = None
        self._silent = False

    # The transport's receiver.

    def begin(self, connection: Connection) -> CallLink:
        """A transport's `ReceiverFactory`."""
        self._connection = connection
        if self.is_left:
            connection.abort()
        else:
            self._call.begin_connection(self)
        return self

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        if not self._silent and not self.is_left:
            self._call.on_message(message, arrival_ns)

    def on_packet(self, packet: Packet, arrival_ns: int) -> None:
        if not self._silent and not self.is_left:
            self._call.on_packet(packet, arrival_ns)

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        if not self._silent and not self.is_left:
            self._call.on_close(code, reason, now_ns)

    def open_media(self, media: Media) -> StreamedVoice:
        return self._call.open_media(media)

    # The call's connection.

    @property
    def pending_bytes(self) -> int:
        return self._connection.pending_bytes if self._connection is not None else 0

    @property
    def bytes_sent(self) -> int:
        return self._connection.bytes_sent if self._connection is not None else 0

    @property
    def bytes_received(self) -> int:
        return self._connection.bytes_received if self._connection is not None else 0

    def send(self, message: bytes) -> None:
        if self._connection is not None and not self._silent:
            self._connection.send(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._connection is not None:
            self._connection.close(code, reason)

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    def cut(self, how: str) -> None:
        """Break it on purpose (`script.DropHow`)."""
        if how in ("half_open", "ice_dead"):
            self._go_dark()
        elif how in ("close", "channel_closed"):
            # A call over WebRTC hangs up before it closes; one that is cut does not.
            say_goodbye = getattr(self._connection, "say_goodbye", None)
            if say_goodbye is not None:
                say_goodbye(channel_alone=how == "channel_closed")
            else:
                self.close(1000, "the caller's application goes away")
        else:
            self.reset()

    def _go_dark(self) -> None:
        """Below, where the transport can do that, so that it has to find out by its own checks; else here."""
        go_dark = getattr(self._connection, "go_dark", None)
        if go_dark is not None:
            go_dark()
        else:
            self._silent = True

    def reset(self) -> None:
        """Cut it so that the other end gets a TCP reset, where the transport can do that."""
        reset = getattr(self._connection, "reset", None)
        if reset is not None:
            reset()
        else:
            self.abort()

    def catch_up(self) -> None:
        """Hand over what has arrived and waits, where the transport lets it."""
        catch_up = getattr(self._connection, "catch_up", None)
        if catch_up is not None:
            catch_up()

    def ping(self, answered: Callable[[int], None]) -> bool:
        """Ask for a sign of life; False where the transport has no way to."""
        ping = getattr(self._connection, "ping", None)
        if ping is None:
            return False
        if not self._silent:
            ping(answered)
        return True
