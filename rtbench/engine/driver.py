"""Runs one pure machine over one connection, in one order: feed, drain, re-arm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

from rtbench.clock import monotonic_ns
from rtbench.core.machine import Disconnected, Machine, Outgoing
from rtbench.engine.alarm import Alarm, AlarmClock
from rtbench.transports.connection import Connection


class Codec(Protocol):
    """Either end of a dialect."""

    def encode(self, event: Any) -> bytes: ...

    def decode(self, message: bytes) -> Any: ...


class Observer(Protocol):
    """Sees every event with its instants, as it passes."""

    def received(self, event: Any, at_ns: int) -> None: ...

    def sent(self, event: Any, due_ns: int, at_ns: int) -> None: ...


class Driver:
    """The shell around a machine; it is the connection's `Receiver`.

    `on_over` is called once, when the machine has its outcome; the connection is then closing.
    """

    def __init__(
        self,
        machine: Machine,
        codec: Codec,
        alarms: AlarmClock,
        observer: Observer,
        on_over: Callable[[], None],
    ) -> None:
        self._machine = machine
        self._codec = codec
        self._alarms = alarms
        self._observer = observer
        self._on_over = on_over
        self._connection: Connection | None = None
        self._alarm: Alarm | None = None
        self._now_ns = 0
        self._over = False

    def start(self, connection: Connection) -> Self:
        """The connection stands: the machine begins. A transport's `ReceiverFactory`."""
        self._connection = connection
        self._machine.start(self.advance(monotonic_ns()))
        self.settle()
        return self

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.take(self._codec.decode(message), arrival_ns)

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.take(Disconnected(code, reason), now_ns)

    def take(self, event: Any, arrival_ns: int) -> None:
        """Feed one event of the other side, then settle."""
        self._observer.received(event, arrival_ns)
        self._machine.receive(event, self.advance(arrival_ns))
        self.settle()

    def advance(self, now: int) -> int:
        """The instant that the machine is told: alarms ring up to `EARLY_NS` early, and its time must not run back."""
        self._now_ns = max(self._now_ns, now)
        return self._now_ns

    def settle(self) -> None:
        """Drain what the machine has to say, then set the alarm for what it waits for."""
        for outgoing in self._machine.outgoing():
            self.dispatch(outgoing)
        if self._machine.outcome is not None:
            self._finish()
        else:
            self._arm()

    def dispatch(self, outgoing: Outgoing) -> None:
        """Send one event now."""
        if self._connection is None:
            return
        self._connection.send(self._codec.encode(outgoing.event))
        sent_ns = monotonic_ns()
        self._machine.sent(outgoing.event, sent_ns)
        self._observer.sent(outgoing.event, outgoing.due_ns, sent_ns)

    def _arm(self) -> None:
        """An alarm that rings too early does no harm and is cheaper than a new one for each event."""
        wake_ns = self._machine.next_wake()
        if wake_ns is None or (self._alarm is not None and self._alarm.at_ns <= wake_ns):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._alarms.call_at(wake_ns, self._wake)

    def catch_up(self) -> None:
        """Take what has arrived and waits; a shell whose transport lets it wait does."""

    def _wake(self, now: int) -> None:
        self._alarm = None
        self.catch_up()
        self._machine.wake(self.advance(now))
        self.settle()

    def _finish(self) -> None:
        if self._over:
            return
        self._over = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._connection is not None:
            self._connection.close()
        on_over = self._on_over
        # It may refer back to this: memory then waits for a full collection, which engines avoid.
        del self._on_over
        on_over()
