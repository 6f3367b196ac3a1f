"""One connection to the target before anything is spent: is it there, and does it take the key?"""

from __future__ import annotations

from rtbench.core.errors import CredentialsRefused, TargetError, TargetUnreachable
from rtbench.dialects.dialect import Dialect
from rtbench.engine.target import Target
from rtbench.transports.connection import ConnectError, Connection
from rtbench.transports.websocket import connect

PROBE_TIMEOUT_S = 10.0
REFUSALS = (401, 403)


class _Deaf:
    """Hears nothing: the probe is over once the connection stands."""

    def __init__(self, connection: Connection) -> None:
        connection.close()

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        pass

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        pass


async def probe(target: Target, dialect: Dialect, model: str) -> None:
    """Open a session and close it at once; no audio is sent, so nothing is charged.

    Raises TargetUnreachable or CredentialsRefused, in one sentence.
    """
    try:
        await connect(
            target.websocket_url(dialect.websocket_path(model)),
            _Deaf,
            headers=target.headers(dialect),
            timeout_s=PROBE_TIMEOUT_S,
        )
    except ConnectError as error:
        raise _told(target, error) from error


def _told(target: Target, error: ConnectError) -> TargetError:
    if error.status in REFUSALS:
        return CredentialsRefused(f"{target.base_url} refused the key (HTTP {error.status}).")
    if error.status is not None:
        return TargetUnreachable(f"{target.base_url} answered with HTTP {error.status}, not with a session.")
    return TargetUnreachable(f"{target.base_url} cannot be reached ({error.message}).")
