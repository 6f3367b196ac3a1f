"""The caller's side of a WebRTC call: key, offer, answer, ICE, DTLS and data channel, each timed."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.codec import CODECS, AudioCodec
from rtbench.core.errors import UsageError
from rtbench.transports.connection import ConnectError, Phase
from rtbench.transports.webrtc.certificate import process_certificate
from rtbench.transports.webrtc.description import LocalDescription, RemoteDescription, SdpError, read, write
from rtbench.transports.webrtc.events import PathFactory, RequestPath
from rtbench.transports.webrtc.ice import ConsentPace, IceConnection, addresses_for
from rtbench.transports.webrtc.peer import MediaReceiverFactory, Peer
from rtbench.transports.webrtc.signalling import Credentials, SdpMode, Signalling


@dataclass(frozen=True, slots=True)
class WebRtcTimings:
    """How long each phase of connecting took; they follow each other without gaps."""

    gather_ms: float
    """Local candidates and the offer."""

    key_ms: float | None
    """The request for a client secret, DNS, TCP and TLS included; None where the key itself is used."""

    sdp_ms: float
    """The offer's way to the service until its answer was read."""

    ice_ms: float
    """Until a pair of addresses was nominated."""

    dtls_ms: float
    """The handshake."""

    channel_ms: float
    """Until the data channel was open."""

    @property
    def total_ms(self) -> float:
        """From the call of `connect()` to the open data channel."""
        before = self.gather_ms + (self.key_ms or 0.0) + self.sdp_ms
        return before + self.ice_ms + self.dtls_ms + self.channel_ms


async def connect(
    base_url: str,
    receiver_factory: MediaReceiverFactory,
    *,
    headers: Mapping[str, str] | None = None,
    session: Mapping[str, Any] | None = None,
    codec: str = "opus",
    credentials: Credentials = "client_secret",
    sdp_mode: SdpMode = "raw",
    timeout_s: float = 10.0,
    ssl_context: ssl.SSLContext | None = None,
    consent: ConsentPace | None = None,
    path: PathFactory | None = None,
    requests: RequestPath | None = None,
    filtered: bool = False,
) -> tuple[Peer, WebRtcTimings]:
    """Open a call at the API whose base URL (up to `/v1`) is given, all within `timeout_s`.

    `headers` carry the key. With `client_secret` an ephemeral key is asked for first, with `session` as
    its configuration, and the offer is sent with that key; with `direct` the offer goes with the key
    itself. `session` is the session object of the API (`type`, `model`, ...); `multipart` sends it
    beside the offer. `filtered` asks for few events on the data channel (Azure's `webrtcfilter`). `path` and `requests`
    simulate a network for the media and for HTTP. Only `codec` is offered. For a loopback URL only loopback candidates are gathered.

    Raises ConnectError, and UsageError for what is no HTTP URL. Phases are key, sdp, ice, dtls, channel;
    error classes those of the WebSocket transport for what happens below HTTP, and key_<status>,
    key_invalid, sdp_<status>, sdp_invalid, ice_failed, dtls_failed, connect_timeout, connection_lost.
    """
    _check_url(base_url)
    attempt = _Attempt(base_url, receiver_factory, CODECS[codec], consent or ConsentPace(), path, timeout_s)
    signalling = Signalling(base_url, headers or {}, ssl_context, requests)
    try:
        async with asyncio.timeout(timeout_s):
            return await attempt.run(signalling, session or {}, credentials, sdp_mode, filtered=filtered)
    except TimeoutError as exc:
        what = f"{urlsplit(base_url).netloc}: {attempt.phase}: no answer within {timeout_s:g} s"
        raise ConnectError(attempt.phase, "connect_timeout", what) from exc


async def hang_up(
    base_url: str,
    call_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
    ssl_context: ssl.SSLContext | None = None,
) -> None:
    """End a call from outside: `POST .../realtime/calls/{call_id}/hangup`. Raises ConnectError (phase hangup)."""
    _check_url(base_url)
    try:
        async with asyncio.timeout(timeout_s), Signalling(base_url, headers or {}, ssl_context) as signalling:
            await signalling.hang_up(call_id)
    except TimeoutError as exc:
        what = f"{urlsplit(base_url).netloc}: hangup: no answer within {timeout_s:g} s"
        raise ConnectError("hangup", "connect_timeout", what) from exc


class _Attempt:
    """One attempt to open a call, and the phase it is in."""

    def __init__(
        self,
        base_url: str,
        receiver_factory: MediaReceiverFactory,
        codec: AudioCodec,
        consent: ConsentPace,
        path: PathFactory | None,
        timeout_s: float,
    ) -> None:
        self._receiver_factory = receiver_factory
        self._codec = codec
        self._timeout_s = timeout_s
        self._phase: Phase = "key"
        self._peer: Peer | None = None
        self._ice = IceConnection(
            is_controlling=True,
            addresses=addresses_for(urlsplit(base_url).hostname or ""),
            consent=consent,
            path=path,
        )

    @property
    def phase(self) -> Phase:
        """What is being waited for."""
        return self._peer.phase if self._peer is not None else self._phase

    async def run(
        self,
        signalling: Signalling,
        session: Mapping[str, Any],
        credentials: Credentials,
        sdp_mode: SdpMode,
        *,
        filtered: bool,
    ) -> tuple[Peer, WebRtcTimings]:
        """Go through the phases; cleans up after itself where one fails or is cancelled."""
        try:
            return await self._run(signalling, session, credentials, sdp_mode, filtered)
        except BaseException:
            if self._peer is not None:
                self._peer.abort()
            else:
                await self._ice.close()
            raise

    async def _run(
        self,
        signalling: Signalling,
        session: Mapping[str, Any],
        credentials: Credentials,
        sdp_mode: SdpMode,
        filtered: bool,
    ) -> tuple[Peer, WebRtcTimings]:
        began_ns = monotonic_ns()
        await self._ice.gather_candidates()
        local = self._describe()
        gathered_ns = keyed_ns = monotonic_ns()
        async with signalling:
            if credentials == "client_secret":
                await signalling.client_secret(session)
                keyed_ns = monotonic_ns()
            self._phase = "sdp"
            # A client secret knows its model already; a key does not.
            model = session.get("model") if credentials == "direct" and sdp_mode == "raw" else None
            answer = await signalling.exchange(
                write(local), session, mode=sdp_mode, model=model, filtered=filtered
            )
            answered_ns = monotonic_ns()
            try:
                remote = self._accept(answer.sdp)
            except SdpError as error:
                raise signalling.invalid_answer(str(error)) from error
        # Whoever is told to be active begins (RFC 8842, 5.3).
        local = replace(local, dtls_role="server" if remote.dtls_role == "client" else "client")
        peer = self._peer = Peer(
            self._ice, local, remote, self._receiver_factory, opens_channel=True, call_id=answer.call_id
        )
        peer.start(self._timeout_s)
        await asyncio.shield(peer.established)
        ends = peer.phase_ends_ns
        return peer, WebRtcTimings(
            gather_ms=(gathered_ns - began_ns) / NS_PER_MS,
            key_ms=(keyed_ns - gathered_ns) / NS_PER_MS if credentials == "client_secret" else None,
            sdp_ms=(answered_ns - keyed_ns) / NS_PER_MS,
            ice_ms=(ends["ice"] - answered_ns) / NS_PER_MS,
            dtls_ms=(ends["dtls"] - ends["ice"]) / NS_PER_MS,
            channel_ms=(ends["channel"] - ends["dtls"]) / NS_PER_MS,
        )

    def _describe(self) -> LocalDescription:
        return LocalDescription(
            username=self._ice.local_username,
            password=self._ice.local_password,
            candidates=self._ice.local_candidates,
            fingerprint=process_certificate().fingerprint,
            dtls_role="auto",
            payload_types={self._codec.payload_type: self._codec},
            ssrc=secrets.randbits(32),
            cname=secrets.token_hex(8),
        )

    def _accept(self, sdp: str) -> RemoteDescription:
        remote = read(sdp)
        if set(remote.payload_types.values()) != {self._codec}:
            raise SdpError(f"the answer's codec is not {self._codec.name}, the only one offered")
        if not remote.has_channel:
            raise SdpError("the answer has no data channel")
        return remote


def _check_url(base_url: str) -> None:
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UsageError("the target of a WebRTC call is not an HTTP URL")
