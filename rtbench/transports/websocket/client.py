"""The caller's side of a WebSocket: DNS, TCP, TLS and upgrade, each timed and each with its own failures."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.errors import UsageError
from rtbench.transports.connection import (
    ConnectError,
    Connection,
    ConnectTimings,
    Phase,
    ReceiverFactory,
    read_retry_after,
)
from rtbench.transports.websocket.framing import Masking
from rtbench.transports.websocket.inbox import Inbox
from rtbench.transports.websocket.shell import LOGGER, MAX_MESSAGE_BYTES, WebSocketShell

USER_AGENT = "rtbench"
"""Some gateways refuse a request that names no client."""


async def connect(
    url: str,
    receiver_factory: ReceiverFactory,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    timeout_s: float = 10.0,
    ssl_context: ssl.SSLContext | None = None,
    inbox: Inbox | None = None,
) -> tuple[Connection, ConnectTimings]:
    """Connect to a `ws:` or `wss:` URL within `timeout_s`; no compression is offered, no proxy asked.

    `ssl_context` defaults to the system's certificates, `inbox` to one of its own. Raises ConnectError, which says in which
    phase what went wrong, and UsageError for what is no WebSocket URL.
    """
    attempt = _Attempt(url, receiver_factory, headers or {}, subprotocols, ssl_context, inbox or Inbox())
    try:
        async with asyncio.timeout(timeout_s):
            return await attempt.run()
    except TimeoutError as exc:
        raise attempt.error("connect_timeout", f"no answer within {timeout_s:g} s") from exc


_MASKING = Masking()


class ClientShell(WebSocketShell):
    """The shell that opens the handshake."""

    def __init__(self, protocol: ClientProtocol, receiver_factory: ReceiverFactory, inbox: Inbox) -> None:
        super().__init__(protocol, _MASKING.text, inbox)
        self._client = protocol
        self._receiver_factory = receiver_factory
        self._opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def upgrade(self, headers: Mapping[str, str]) -> int:
        """Send the upgrade request; when its answer arrived. Raises what was wrong with the answer."""
        request = self._client.connect()
        request.headers.update(headers)
        request.headers.setdefault("User-Agent", USER_AGENT)
        self._client.send_request(request)
        self._flush()
        return await self._opened

    def handshake_event(self, event: Request | Response, arrival_ns: int) -> None:
        """The server answered; a refusal is reported by `handshake_failed`."""
        if self._client.handshake_exc is None and not self._opened.done():
            self._opened.set_result(arrival_ns)
            self.attach(self._receiver_factory(self))
            del self._receiver_factory  # it may refer to what holds this connection

    def handshake_failed(self, exc: Exception) -> None:
        """The answer was a refusal, no WebSocket's answer, or none."""
        if not self._opened.done():
            self._opened.set_exception(exc)


class _Attempt:
    """One attempt to connect, and the phase it is in."""

    def __init__(
        self,
        url: str,
        receiver_factory: ReceiverFactory,
        headers: Mapping[str, str],
        subprotocols: Sequence[str],
        ssl_context: ssl.SSLContext | None,
        inbox: Inbox,
    ) -> None:
        try:
            self._uri = parse_uri(url)
        except InvalidURI as exc:
            raise UsageError(f"the target is not a WebSocket URL: {exc.msg}") from exc
        self._receiver_factory = receiver_factory
        self._headers = headers
        self._subprotocols = [Subprotocol(name) for name in subprotocols] or None
        self._ssl = (ssl_context or _default_ssl_context()) if self._uri.secure else None
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()
        self._phase: Phase = "dns"

    def error(self, error_class: str, what: str, status: int | None = None) -> ConnectError:
        """A failure of the present phase; names the host, and nothing of the URL that might be secret."""
        message = f"{self._uri.host}:{self._uri.port}: {self._phase}: {what}"
        return ConnectError(self._phase, error_class, message, status)

    async def run(self) -> tuple[Connection, ConnectTimings]:
        """Go through the phases; cleans up after itself where one fails or is cancelled."""
        began_ns = monotonic_ns()
        addresses = await self._resolve()
        resolved_ns = monotonic_ns()
        self._phase = "tcp"
        sock = await self._dial(addresses)
        dialled_ns = monotonic_ns()
        shell = await self._wrap(sock)
        wrapped_ns = monotonic_ns() if self._ssl else dialled_ns
        self._phase = "upgrade"
        upgraded_ns = await self._upgrade(shell)
        return shell, ConnectTimings(
            dns_ms=(resolved_ns - began_ns) / NS_PER_MS,
            tcp_ms=(dialled_ns - resolved_ns) / NS_PER_MS,
            tls_ms=(wrapped_ns - dialled_ns) / NS_PER_MS if self._ssl else None,
            upgrade_ms=(upgraded_ns - wrapped_ns) / NS_PER_MS,
        )

    async def _resolve(self) -> list[tuple[Any, ...]]:
        """Addresses as (family, address), in the resolver's order; without asking it where the host is an address."""
        host, port = self._uri.host, self._uri.port
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            return await self._ask_resolver(host, port)
        return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]

    async def _ask_resolver(self, host: str, port: int) -> list[tuple[Any, ...]]:
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise self.error("dns_failure", f"the name cannot be resolved ({exc})") from exc
        return [(family, address) for family, _, _, _, address in found]

    async def _dial(self, addresses: list[tuple[Any, ...]]) -> socket.socket:
        """A connected socket, by the first address that can be reached."""
        failure = OSError("the name has no address")
        for family, address in addresses:
            try:
                return await self._dial_address(family, address)
            except OSError as exc:
                failure = exc
        if isinstance(failure, ConnectionRefusedError):
            raise self.error("connect_refused", "connection refused") from failure
        if isinstance(failure, TimeoutError):
            raise self.error("connect_timeout", "no answer") from failure
        raise self.error("connect_failed", failure.strerror or str(failure)) from failure

    async def _dial_address(self, family: int, address: tuple[Any, ...]) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await self._loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _wrap(self, sock: socket.socket) -> ClientShell:
        """Give the socket to asyncio, through a TLS handshake for `wss:`."""
        if self._ssl is not None:
            self._phase = "tls"
        try:
            _, shell = await self._loop.create_connection(
                self._new_shell,
                sock=sock,
                ssl=self._ssl,
                server_hostname=self._uri.host if self._ssl else None,
            )
        except ssl.SSLError as exc:
            raise self.error(
                "tls_failure", getattr(exc, "verify_message", "") or exc.reason or str(exc)
            ) from exc
        except ConnectionError as exc:
            raise self.error("connection_lost", "the connection was lost") from exc
        return shell

    def _new_shell(self) -> ClientShell:
        protocol = ClientProtocol(
            self._uri, subprotocols=self._subprotocols, max_size=MAX_MESSAGE_BYTES, logger=LOGGER
        )
        return ClientShell(protocol, self._receiver_factory, self._inbox)

    async def _upgrade(self, shell: ClientShell) -> int:
        try:
            return await shell.upgrade(self._headers)
        except InvalidStatus as exc:
            shell.abort()
            status = exc.response.status_code
            refused = self.error(f"upgrade_{status}", f"refused with HTTP status {status}", status)
            refused.retry_after_s = read_retry_after(exc.response.headers.get("Retry-After"))
            raise refused from exc
        except asyncio.CancelledError:
            shell.abort()
            raise
        except Exception as exc:
            shell.abort()
            if isinstance(exc.__cause__, EOFError):
                raise self.error("connection_lost", "the connection was lost") from exc
            raise self.error("upgrade_invalid", f"no valid upgrade: {exc}") from exc


@cache
def _default_ssl_context() -> ssl.SSLContext:
    """Reading the system's certificates takes 10 ms or more; once for all connections."""
    return ssl.create_default_context()
