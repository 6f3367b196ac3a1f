"""A fault on purpose: a caller who goes away in the middle of the opening handshake."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from rtbench.transports.connection import ConnectError


async def cut_handshake(url: str, timeout_s: float) -> None:
    """Open a connection, send half of an upgrade request, and cut it. Always raises ConnectError, as no session comes of it."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.write(b"GET /v1/realtime HTTP/1.1\r\nUpgrade: webs")
        writer.transport.abort()
    raise ConnectError("upgrade", "cut_in_handshake", f"{parts.hostname}:{port}: upgrade: cut on purpose")
