"""A line: how one call reaches its service, and what its microphone sends there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rtbench.clock import NS_PER_S
from rtbench.core.errors import CredentialsRefused
from rtbench.core.impairment import Network
from rtbench.core.reconnection import Refused
from rtbench.core.sessions import Session
from rtbench.engine.plan import Plan
from rtbench.transports.connection import ConnectError, Connection, Receiver, ReceiverFactory
from rtbench.transports.impaired import Alarms, ModelError, impaired
from rtbench.transports.impaired_handshake import Handshake, shake_hands
from rtbench.transports.websocket import Inbox, connect

CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class SimulatedNetwork:
    """A simulated network as a line lays it between its two ends."""

    network: Network
    alarms: Alarms
    error: ModelError = field(default_factory=ModelError)
    """Of the simulation itself, on this line."""

    def note(self, session: Session) -> None:
        """Add to a session how far the simulation was off."""
        error = self.error
        session.network.take_simulation(error.messages, error.total_ns, error.worst_ns)


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
        self._connection: Connection | None = None
        self._simulated = None if network is None else SimulatedNetwork(network, alarms)

    async def dial(self, begin: ReceiverFactory, session: Session, model: str = "") -> None:
        """See `Line`."""

        def stand(connection: Connection) -> Receiver:
            self._connection = connection
            return begin(connection)

        path = self._plan.dialect.websocket_path(model or self._plan.scenario.session.model)
        await open_websocket(self._plan, path, stand, session, self._simulated, self._inbox)

    def microphone(self) -> Callable[[bytes], None]:
        """See `Line`: a frame is a message."""
        assert self._connection is not None
        return self._connection.send

    async def leave(self, session: Session) -> None:
        """See `Line`: a WebSocket takes its own leave."""
        if self._simulated is not None:
            self._simulated.note(session)


async def open_websocket(
    plan: Plan,
    path: str,
    stand: ReceiverFactory,
    session: Session,
    simulated: SimulatedNetwork | None,
    inbox: Inbox | None,
) -> None:
    """Connect to a path of the plan's target, all within the time that a client waits, and note the parts of the way.

    Raises ConnectError or CredentialsRefused.
    """
    url, headers = plan.target.websocket_url(path), plan.target.headers(plan.dialect)
    way = Handshake()
    if simulated is not None:
        stand = impaired(stand, simulated.network, simulated.alarms, simulated.error)
        way = await shake_hands(simulated.network, url, CONNECT_TIMEOUT_S)
    left_s = CONNECT_TIMEOUT_S - way.total_s
    _, timings = await connect(url, stand, headers=headers, timeout_s=left_s, inbox=inbox)
    session.dns_ms = timings.dns_ms
    session.tcp_ms = timings.tcp_ms + way.tcp_ms
    session.tls_ms = None if timings.tls_ms is None else timings.tls_ms + way.tls_ms
    session.upgrade_ms = timings.upgrade_ms + way.upgrade_ms


def refused(error: ConnectError | CredentialsRefused) -> Refused:
    """A failure to connect, as the machine knows it."""
    if isinstance(error, CredentialsRefused):
        return Refused("credentials_missing", str(error))
    after_s = error.retry_after_s
    return Refused(
        error.error_class, str(error), error.status, None if after_s is None else round(after_s * NS_PER_S)
    )
