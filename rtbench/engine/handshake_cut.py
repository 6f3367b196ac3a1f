"""A fault on purpose: a caller who goes away in the middle of the opening handshake."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from rtbench.transports.connection import ConnectError, Phase

_UPGRADE = b"GET /v1/realtime HTTP/1.1\r\nUpgrade: webs"
_OFFER = b"POST /v1/realtime/calls HTTP/1.1\r\nContent-Type: appl"


async def cut_handshake(url: str, timeout_s: float, *, offers: bool = False) -> None:
    """Open a connection, send half of a request, and cut it: of an upgrade, or of one that `offers` a WebRTC call.

    Always raises ConnectError, as no session comes of it.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.write(_OFFER if offers else _UPGRADE)
        writer.transport.abort()
    phase: Phase = "sdp" if offers else "upgrade"
    raise ConnectError(phase, "cut_in_handshake", f"{parts.hostname}:{port}: {phase}: cut on purpose")
