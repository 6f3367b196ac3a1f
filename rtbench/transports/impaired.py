"""A connection over a bad network: each message, or datagram, arrives when the model says that it would.

The network is simulated in this process, at the edge of the connection: what is sent waits here before
it is written, what comes waits before it is handed over. Each message of a WebSocket is a write of its own
on the stream, as it is on the wire, and order is kept, as TCP keeps it; a datagram of WebRTC may be
lost or overtaken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.impairment import Network
from rtbench.transports.connection import Connection, Receiver, ReceiverFactory

FRAME_BYTES = 14
"""Header of a frame of up to 2^63 bytes with its mask (RFC 6455, 5.2), at most."""


class Alarms(Protocol):
    """Calls something at an instant of the monotonic clock."""

    def call_at(self, at_ns: int, callback: Callable[[int], None]) -> object: ...


@dataclass(slots=True)
class ModelError:
    """How far the simulation itself was off: what was due against when it happened."""

    messages: int = 0
    total_ns: int = 0
    worst_ns: int = 0

    def record(self, late_ns: int) -> None:
        self.messages += 1
        self.total_ns += late_ns
        self.worst_ns = max(self.worst_ns, late_ns)

    @property
    def mean_ms(self) -> float:
        return self.total_ns / max(1, self.messages) / NS_PER_MS


class ImpairedConnection:
    """A connection behind the network (see `transports.connection.Connection`)."""

    def __init__(self, connection: Connection, network: Network, alarms: Alarms, error: ModelError) -> None:
        self._connection = connection
        self._network = network
        self._alarms = alarms
        self._error = error
        self._waiting_bytes = 0
        self._closing = False

    @property
    def pending_bytes(self) -> int:
        return self._connection.pending_bytes + self._waiting_bytes

    @property
    def bytes_sent(self) -> int:
        return self._connection.bytes_sent

    @property
    def bytes_received(self) -> int:
        return self._connection.bytes_received

    def send(self, message: bytes) -> None:
        """See `Connection`; it leaves when it would have arrived."""
        if self._closing:
            return
        self._waiting_bytes += len(message)

        def leave(due_ns: int) -> None:
            self._error.record(monotonic_ns() - due_ns)
            self._waiting_bytes -= len(message)
            self._connection.send(message)

        self._after(self._network.up.stream(len(message) + FRAME_BYTES, monotonic_ns()), leave)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """See `Connection`; after what was sent."""
        if not self._closing:
            self._closing = True
            due_ns = self._network.up.stream(FRAME_BYTES, monotonic_ns())
            self._after(due_ns, lambda _: self._connection.close(code, reason))

    def abort(self) -> None:
        self._closing = True
        self._connection.abort()

    def ping(self, answered: Callable[[int], None]) -> None:
        """Both ways through the network."""
        ping = getattr(self._connection, "ping", None)
        if ping is None:
            return

        def back(now: int) -> None:
            self._after(self._network.down.stream(FRAME_BYTES, now), answered)

        self._after(self._network.up.stream(FRAME_BYTES, monotonic_ns()), lambda _: ping(back))

    def reset(self) -> None:
        self._closing = True
        reset = getattr(self._connection, "reset", self._connection.abort)
        reset()

    def _after(self, due_ns: int, act: Callable[[int], None]) -> None:
        self._alarms.call_at(due_ns, lambda _: act(due_ns))


class ImpairedReceiver:
    """What hears a connection behind the network (see `transports.connection.Receiver`)."""

    def __init__(self, receiver: Receiver, network: Network, alarms: Alarms, error: ModelError) -> None:
        self._receiver = receiver
        self._network = network
        self._alarms = alarms
        self._error = error

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        due_ns = self._network.down.stream(len(message) + FRAME_BYTES, arrival_ns)

        def hand_over(_: int) -> None:
            now = monotonic_ns()
            self._error.record(now - due_ns)
            self._receiver.on_message(message, now)

        self._alarms.call_at(due_ns, hand_over)

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        due_ns = self._network.down.stream(FRAME_BYTES, now_ns)
        self._alarms.call_at(due_ns, lambda _: self._receiver.on_close(code, reason, monotonic_ns()))


def impaired(
    factory: ReceiverFactory, network: Network, alarms: Alarms, error: ModelError
) -> ReceiverFactory:
    """The same factory, with the network between the two."""

    def stand(connection: Connection) -> Receiver:
        near = ImpairedConnection(connection, network, alarms, error)
        return ImpairedReceiver(factory(near), network, alarms, error)

    return stand


class Sized(Protocol):
    """A datagram."""

    @property
    def data(self) -> bytes: ...


Datagram = TypeVar("Datagram", bound=Sized)


class ImpairedPath(Generic[Datagram]):
    """What a peer's datagrams go through, both ways (a `webrtc.DatagramPath`)."""

    def __init__(
        self,
        network: Network,
        alarms: Alarms,
        error: ModelError,
        to_socket: Callable[[Datagram], None],
        to_peer: Callable[[Datagram], None],
    ) -> None:
        self._network = network
        self._alarms = alarms
        self._error = error
        self._to_socket = to_socket
        self._to_peer = to_peer

    def send(self, datagram: Datagram) -> None:
        """It leaves when it would have arrived, or never."""
        self._pass(self._network.up.datagram(len(datagram.data), monotonic_ns()), self._to_socket, datagram)

    def deliver(self, datagram: Datagram) -> None:
        """It is handed over when it would have arrived, or never."""
        self._pass(self._network.down.datagram(len(datagram.data), monotonic_ns()), self._to_peer, datagram)

    def _pass(self, due_ns: int | None, forward: Callable[[Datagram], None], datagram: Datagram) -> None:
        if due_ns is None:
            return

        def go(_: int) -> None:
            self._error.record(monotonic_ns() - due_ns)
            forward(datagram)

        self._alarms.call_at(due_ns, go)
