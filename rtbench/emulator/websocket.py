"""The service's end of a WebSocket, over aiohttp: stamps at the edge, frames written at once.

aiohttp does the upgrade, parses what comes in, and answers pings and closes. What goes out is framed
here (RFC 6455, 5.2): aiohttp sends from a coroutine, and a machine's shell must not wait.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from rtbench.clock import monotonic_ns
from rtbench.transports.websocket.framing import unmasked_text

_MAX_PENDING_BYTES = 64 * 1024 * 1024
"""A client that has stopped reading is cut off here, before it fills the memory: 20 minutes of audio."""


class StampingHandler(web.RequestHandler):
    """aiohttp's connection, which notes when data last came."""

    def __init__(self, manager: web.Server, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(manager, loop=loop)
        self.arrived_ns = 0
        self.bytes_received = 0

    def data_received(self, data: bytes) -> None:
        self.arrived_ns = monotonic_ns()
        self.bytes_received += len(data)
        super().data_received(data)


class WebSocketConnection:
    """An upgraded connection (see `transports.connection.Connection`)."""

    def __init__(self, response: web.WebSocketResponse, request: web.BaseRequest) -> None:
        transport, protocol = request.transport, request.protocol
        assert transport is not None and isinstance(protocol, StampingHandler)
        self._response = response
        self._transport: asyncio.Transport = transport
        if transport.get_extra_info("ssl_object") is None:
            # What is written leaves at once, and is stamped when it does. Over TLS it is still gathered: there such a
            # limit has even an empty buffer count as full, and who waits for it to empty may wait for ever.
            transport.set_write_buffer_limits(high=0)
        self._protocol = protocol
        self._closing: asyncio.Task[bool] | None = None
        self.bytes_sent = 0

    @property
    def arrived_ns(self) -> int:
        """When data last came."""
        return self._protocol.arrived_ns

    @property
    def bytes_received(self) -> int:
        return self._protocol.bytes_received

    @property
    def pending_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def send(self, message: bytes) -> None:
        if self._closing is not None or self._response.closed or self._transport.is_closing():
            return
        frame = unmasked_text(message)
        self._transport.write(frame)
        self.bytes_sent += len(frame)
        if self.pending_bytes > _MAX_PENDING_BYTES:
            self.abort()

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._closing is None and not self._response.closed:
            closing = self._response.close(code=code, message=reason.encode())
            self._closing = asyncio.get_running_loop().create_task(closing)

    def abort(self) -> None:
        self._transport.abort()

    @property
    def raw_socket(self) -> Any:
        """The socket itself, for the options of the kernel."""
        return self._transport.get_extra_info("socket")
