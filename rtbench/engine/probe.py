"""One connection to the target before anything is spent: is it there, and does it take the key?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rtbench.core.errors import CredentialsRefused, TargetError, TargetUnreachable
from rtbench.dialects.dialect import Dialect
from rtbench.engine.target import Target
from rtbench.scenario.transport import OfferName
from rtbench.transports.connection import ConnectError, Connection
from rtbench.transports.websocket import connect

PROBE_TIMEOUT_S = 10.0
REFUSALS = (401, 403)

EMPTY_OFFER = "v=0\r\n"
OFFER_REFUSALS = (400, 422)
"""Of a service that has read an offer, and the session and key with it."""

PROBE_HEADER = "X-Rtbench-Probe"
"""Told to a target on this machine: an emulator whose door is faulty on purpose lets the probe in."""


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
            headers=_headers(target, dialect),
            timeout_s=PROBE_TIMEOUT_S,
        )
    except ConnectError as error:
        raise _told(target, error) from error


async def probe_media(
    target: Target, dialect: Dialect, session: Mapping[str, Any], offer: OfferName = "raw"
) -> None:
    """Ask for an ephemeral key for this session, as a call over WebRTC does; it is left to expire.

    Where the offer goes with the session and the key itself, an offer of nothing is sent, whose refusal as such
    shows that the key is good. Raises as `probe`.
    """
    from rtbench.transports.webrtc.signalling import Signalling

    headers = _headers(target, dialect)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S), Signalling(target.base_url, headers, None) as signalling:
            if offer == "raw":
                await signalling.client_secret(session)
            else:
                await signalling.exchange(EMPTY_OFFER, session, mode=offer, model=None)
    except ConnectError as error:
        if error.phase == "sdp" and error.status in OFFER_REFUSALS:
            return
        raise _told(target, error) from error
    except TimeoutError:
        late = ConnectError("key", "connect_timeout", f"key: no answer within {PROBE_TIMEOUT_S:g} s")
        raise _told(target, late) from None


def _headers(target: Target, dialect: Dialect) -> dict[str, str]:
    return target.headers(dialect) | ({PROBE_HEADER: "1"} if target.is_loopback else {})


def _told(target: Target, error: ConnectError) -> TargetError:
    if error.status in REFUSALS:
        return CredentialsRefused(f"{target.base_url} refused the key (HTTP {error.status}).")
    if error.status is not None:
        return TargetUnreachable(f"{target.base_url} answered with HTTP {error.status}, not with a session.")
    return TargetUnreachable(f"{target.base_url} cannot be reached ({error.message}).")
