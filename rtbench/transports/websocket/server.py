"""The service's side of a WebSocket: a small asyncio server with the same shell."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from rtbench.transports.connection import ReceiverFactory
from rtbench.transports.websocket.framing import unmasked_text
from rtbench.transports.websocket.inbox import Inbox
from rtbench.transports.websocket.shell import LOGGER, MAX_MESSAGE_BYTES, WebSocketShell


class Refusal(NamedTuple):
    """An upgrade that is not granted: HTTP status and body."""

    status: int
    body: str = ""


Accept: TypeAlias = Callable[[str, Mapping[str, str]], ReceiverFactory | Refusal]
"""Decides on an upgrade, from the path with its query and the headers, whose names compare in any case."""

SelectSubprotocol: TypeAlias = Callable[[ServerProtocol, Sequence[Subprotocol]], Subprotocol | None]


async def serve(
    accept: Accept,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    subprotocols: Sequence[str] = (),
    ssl_context: ssl.SSLContext | None = None,
) -> Server:
    """Listen on this address; port 0 takes a free one. Raises OSError where the address cannot be had.

    Of the subprotocols that a client offers the first one named here is chosen; none is required.
    """
    server = Server(accept, subprotocols)
    await server.listen(host, port, ssl_context)
    return server


class Server:
    """A listening socket and the connections that came in by it."""

    def __init__(self, accept: Accept, subprotocols: Sequence[str]) -> None:
        self._accept = accept
        self._select_subprotocol = _selector([Subprotocol(name) for name in subprotocols])
        self._shells: set[ServerShell] = set()
        self._inbox = Inbox()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def listen(self, host: str, port: int, ssl_context: ssl.SSLContext | None) -> None:
        """Start to take connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_shell, host, port, ssl=ssl_context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and close all connections with 1001; takes a second where a peer does not answer."""
        if self._server is not None:
            self._server.close()
        shells = tuple(self._shells)
        for shell in shells:
            shell.leave()
        if shells:
            await asyncio.wait([shell.lost for shell in shells])
        if self._server is not None:
            await self._server.wait_closed()

    def _new_shell(self) -> ServerShell:
        protocol = ServerProtocol(
            select_subprotocol=self._select_subprotocol, max_size=MAX_MESSAGE_BYTES, logger=LOGGER
        )
        return ServerShell(protocol, self._accept, self._shells, self._inbox)


def _selector(supported: Sequence[Subprotocol]) -> SelectSubprotocol:
    def select(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((name for name in supported if name in offered), None)

    return select


class ServerShell(WebSocketShell):
    """The shell that answers the handshake."""

    def __init__(
        self, protocol: ServerProtocol, accept: Accept, registry: set[ServerShell], inbox: Inbox
    ) -> None:
        super().__init__(protocol, unmasked_text, inbox)
        self._service = protocol
        self._accept = accept
        self._registry = registry

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client connected, and its TLS handshake succeeded."""
        super().connection_made(transport)
        self._registry.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the transport is gone."""
        super().connection_lost(exc)
        self._registry.discard(self)

    def leave(self) -> None:
        """Close with "going away"; a connection that is not yet, or no longer, open is cut."""
        if self._service.state is State.OPEN:
            self.close(1001, "going away")
        else:
            self.abort()

    def handshake_event(self, event: Request | Response, arrival_ns: int) -> None:
        """A client asked for the upgrade."""
        if not isinstance(event, Request):
            return
        verdict = self._accept(event.path, event.headers)
        if isinstance(verdict, Refusal):
            response = self._service.reject(verdict.status, verdict.body)
        else:
            response = self._service.accept(event)
        self._service.send_response(response)
        self._flush()
        if not isinstance(verdict, Refusal) and self._service.state is State.OPEN:
            self.attach(verdict(self))

    def handshake_failed(self, exc: Exception) -> None:
        """What came was no upgrade request; the answer, if there is one, was sent already."""
        self._expect_end()
