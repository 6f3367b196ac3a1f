"""A line: how one call reaches its service, and what its microphone sends there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from rtbench.clock import NS_PER_MS, NS_PER_S, monotonic_ns
from rtbench.core.errors import CredentialsRefused
from rtbench.core.impairment import Network
from rtbench.core.reconnection import Refused
from rtbench.core.sessions import Session
from rtbench.engine.plan import Plan
from rtbench.transports.connection import ConnectError, Connection, Receiver, ReceiverFactory
from rtbench.transports.impaired import Alarms, ModelError, handshake_ns, impaired
from rtbench.transports.websocket import Inbox, connect

CONNECT_TIMEOUT_S = 10.0


class Line(Protocol):
    """One call's way to its service; `dial` may be called again after a connection has ended."""

    async def dial(self, begin: ReceiverFactory, session: Session, model: str = "") -> None:
        """Connect, for the scenario's model or another one; `begin` is called with the connection when it stands, and the parts of the way are noted.

        Raises ConnectError or CredentialsRefused.
        """

    def microphone(self) -> Callable[[bytes], None]:
        """What sends one frame of the plan's, in order and each at its time, on the present connection."""

    async def leave(self, session: Session) -> None:
        """The call is over: end its connection where that is not under way, and note what the network did to it."""


class WebSocketLine:
    """A WebSocket, that carries everything."""

    def __init__(
        self, plan: Plan, alarms: Alarms, network: Network | None = None, inbox: Inbox | None = None
    ) -> None:
        """`network` lies between the two ends; None is the real one alone. `inbox` is shared with other lines."""
        self._plan = plan
        self._inbox = inbox
        self._alarms = alarms
        self._network = network
        self._connection: Connection | None = None
        self.model_error = ModelError()
        """Of the simulated network."""

    async def dial(self, begin: ReceiverFactory, session: Session, model: str = "") -> None:
        """See `Line`."""
        target, dialect = self._plan.target, self._plan.dialect

        def stand(connection: Connection) -> Receiver:
            self._connection = connection
            return begin(connection)

        network, tcp_ms, upgrade_ms = self._network, 0.0, 0.0
        if network is not None:
            begun_ns = monotonic_ns()
            secure = target.base_url.startswith("https")
            tcp_ns, open_ns = handshake_ns(network, begun_ns, secure=secure)
            tcp_ms, upgrade_ms = (tcp_ns - begun_ns) / NS_PER_MS, (open_ns - tcp_ns) / NS_PER_MS
            await asyncio.sleep((open_ns - begun_ns) / NS_PER_S)
        _, timings = await connect(
            target.websocket_url(dialect.websocket_path(model or self._plan.scenario.session.model)),
            stand if network is None else impaired(stand, network, self._alarms, self.model_error),
            headers=target.headers(dialect),
            timeout_s=CONNECT_TIMEOUT_S,
            inbox=self._inbox,
        )
        session.dns_ms = timings.dns_ms
        session.tcp_ms = timings.tcp_ms + tcp_ms
        session.tls_ms = timings.tls_ms
        session.upgrade_ms = timings.upgrade_ms + upgrade_ms

    def microphone(self) -> Callable[[bytes], None]:
        """See `Line`: a frame is a message."""
        assert self._connection is not None
        return self._connection.send

    async def leave(self, session: Session) -> None:
        """See `Line`: a WebSocket takes its own leave."""


def refused(error: ConnectError | CredentialsRefused) -> Refused:
    """A failure to connect, as the machine knows it."""
    if isinstance(error, CredentialsRefused):
        return Refused("credentials_missing", str(error))
    after_s = error.retry_after_s
    return Refused(
        error.error_class, str(error), error.status, None if after_s is None else round(after_s * NS_PER_S)
    )
