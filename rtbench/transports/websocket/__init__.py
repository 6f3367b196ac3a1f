"""WebSocket (RFC 6455): asyncio shells around the I/O-free protocol of `websockets`."""

from rtbench.transports.websocket.client import connect
from rtbench.transports.websocket.inbox import Inbox
from rtbench.transports.websocket.server import Refusal, Server, serve

__all__ = ["Inbox", "Refusal", "Server", "connect", "serve"]
