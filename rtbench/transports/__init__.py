"""Transports: what carries messages between a caller and a service, one module or package each."""

from __future__ import annotations

from collections.abc import Callable

from rtbench.transports.connection import Connect


def _websocket() -> Connect:
    from rtbench.transports.websocket import connect

    return connect


TRANSPORTS: dict[str, Callable[[], Connect]] = {
    "websocket": _websocket,
}
"""By the name that a scenario gives; calling the entry imports the transport and gives its `connect`."""
