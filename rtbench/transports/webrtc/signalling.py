"""HTTP of the caller's side: a client secret, the exchange of SDP, and the hang-up from outside."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from rtbench.transports.connection import ConnectError, Phase, read_retry_after
from rtbench.transports.webrtc.events import RequestPath

Credentials: TypeAlias = Literal["client_secret", "direct"]
"""An ephemeral key for each call, as a browser must; or the key itself, as a server may."""

SdpMode: TypeAlias = Literal["raw", "multipart"]
"""The offer alone (`application/sdp`), or beside it the session (`multipart/form-data`)."""

_KEY_HEADERS = {"authorization", "api-key"}
_USER_AGENT = "rtbench"


class SdpAnswer(NamedTuple):
    """What the service answered to an offer."""

    sdp: str
    call_id: str | None


class Signalling:
    """A client of one service for the time of one call's beginning; use with `async with`."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        ssl_context: ssl.SSLContext | None,
        path: RequestPath | None = None,
    ) -> None:
        """`path` is a simulated network that all requests go through; None is the real one alone."""
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._ssl = ssl_context
        self._path = path
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._ssl if self._ssl is not None else True)
        self._http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": _USER_AGENT},
            timeout=aiohttp.ClientTimeout(total=None),  # the caller of all this has its own
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def client_secret(self, session: Mapping[str, Any]) -> None:
        """Ask for an ephemeral key for this session, and use it from now on. Raises ConnectError (phase key)."""
        wanted = json.dumps({"session": dict(session)}).encode()
        _, body = await self._post(
            "key",
            "/realtime/client_secrets",
            len(wanted),
            data=wanted,
            headers={"Content-Type": "application/json"},
        )
        try:
            value = json.loads(body)["value"]
        except (ValueError, LookupError, TypeError):
            value = None
        if not isinstance(value, str) or not value:
            raise self._error("key", "key_invalid", "the answer holds no key")
        kept = {name: text for name, text in self._headers.items() if name.lower() not in _KEY_HEADERS}
        self._headers = {**kept, "Authorization": f"Bearer {value}"}

    async def exchange(
        self,
        offer: str,
        session: Mapping[str, Any] | None,
        *,
        mode: SdpMode,
        model: str | None,
        filtered: bool = False,
    ) -> SdpAnswer:
        """Send the offer. `model` goes into the query, for an offer without a session; `filtered` asks for few events
        on the data channel. Raises ConnectError (phase sdp)."""
        params = {"webrtcfilter": "on"} if filtered else {}
        if mode == "multipart":
            form = aiohttp.FormData()
            form.add_field("sdp", offer, content_type="application/sdp")
            told = json.dumps(dict(session or {}))
            form.add_field("session", told, content_type="application/json")
            size_bytes = len(offer) + len(told)
            headers, body = await self._post("sdp", "/realtime/calls", size_bytes, params=params, data=form)
        else:
            params |= {"model": model} if model else {}
            headers, body = await self._post(
                "sdp",
                "/realtime/calls",
                len(offer),
                params=params,
                data=offer.encode(),
                headers={"Content-Type": "application/sdp", "Accept": "application/sdp"},
            )
        return SdpAnswer(body, _call_id(headers.get("Location", "")))

    async def hang_up(self, call_id: str) -> None:
        """Raises ConnectError (phase hangup)."""
        await self._post("hangup", f"/realtime/calls/{call_id}/hangup", 0)

    def invalid_answer(self, why: str) -> ConnectError:
        """An answer that cannot be used."""
        return self._error("sdp", "sdp_invalid", why)

    async def _post(
        self, phase: Phase, path: str, size_bytes: int, **request: Any
    ) -> tuple[Mapping[str, str], str]:
        """`size_bytes`: of the body, more or less."""
        assert self._http is not None
        headers = {**self._headers, **request.pop("headers", {})}
        url = self._base_url + path
        if self._path is not None:
            await self._path.ask(size_bytes, secure=url.startswith("https"))
        try:
            # No redirect is followed: it would take the key to a host that nobody named.
            async with self._http.post(url, headers=headers, allow_redirects=False, **request) as response:
                body = await response.text(errors="replace")
            if self._path is not None:
                await self._path.hear(len(body))
        except aiohttp.ClientConnectorDNSError as exc:
            raise self._error(phase, "dns_failure", "the name was not found") from exc
        except (aiohttp.ClientSSLError, ssl.SSLError) as exc:
            raise self._error(phase, "tls_failure", "TLS failed") from exc
        except aiohttp.ClientConnectorError as exc:
            if isinstance(exc.os_error, ConnectionRefusedError):
                raise self._error(phase, "connect_refused", "connection refused") from exc
            raise self._error(phase, "connect_failed", exc.os_error.strerror or "no connection") from exc
        except (aiohttp.ServerDisconnectedError, ConnectionError) as exc:
            raise self._error(phase, "connection_lost", "the connection was lost") from exc
        except aiohttp.ClientError as exc:
            raise self._error(phase, f"{phase}_invalid", f"no valid answer: {type(exc).__name__}") from exc
        status = response.status
        if not 200 <= status < 300:
            refused = self._error(phase, f"{phase}_{status}", f"refused with HTTP status {status}", status)
            refused.retry_after_s = read_retry_after(response.headers.get("Retry-After"))
            raise refused
        return response.headers, body

    def _error(self, phase: Phase, error_class: str, what: str, status: int | None = None) -> ConnectError:
        """Names the host, and nothing of the URL or the answer that might be secret."""
        return ConnectError(phase, error_class, f"{urlsplit(self._base_url).netloc}: {phase}: {what}", status)


def _call_id(location: str) -> str | None:
    """The last part of the path, `rtc_...`."""
    return urlsplit(location).path.rstrip("/").rpartition("/")[2] or None
