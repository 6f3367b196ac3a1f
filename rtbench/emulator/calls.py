"""Calls over WebRTC: the HTTP end points that open and end them, and all that are under way.

`POST .../realtime/calls` takes an SDP offer, by itself or beside a session's configuration, and
answers 201 with the call's place in `Location`; `POST .../calls/{id}/hangup` ends it.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from rtbench.core.client_events import Json
from rtbench.emulator.access import HttpError, refused
from rtbench.emulator.client_secrets import checked_configuration
from rtbench.emulator.fault_desk import FaultDesk
from rtbench.emulator.host import Host
from rtbench.emulator.refusal import Refusal

if TYPE_CHECKING:
    from rtbench.emulator.answering import Answering
    from rtbench.emulator.webrtc_call import WebRtcCall

SDP = "application/sdp"
MULTIPART = "multipart/form-data"

CUT_SHORT = (ConnectionError, web.RequestPayloadError)
"""The client went away, or said that it had no more to say, in the middle of its request."""

CONSENT_S = 30.0
"""How long a peer's consent to be sent to lasts (RFC 7675, 5.1)."""


class Calls:
    """The calls of one server."""

    def __init__(self, host: Host, desk: FaultDesk, consent_s: float = CONSENT_S) -> None:
        """A caller of whom nothing is heard for `consent_s` has vanished."""
        self._host = host
        self._desk = desk
        self._consent_s = consent_s
        self.media_host = "127.0.0.1"
        """Address that audio is received at."""

        self._calls: dict[str, WebRtcCall] = {}
        self._answering: asyncio.Task[Answering] | None = None

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def standing(self) -> list[WebRtcCall]:
        """Those whose session has begun, the oldest first."""
        return [call for call in self._calls.values() if call.is_standing]

    def find(self, call_id: str) -> WebRtcCall:
        """Raises HttpError 404 where no such call is under way."""
        call = self._calls.get(call_id)
        if call is None:
            raise HttpError(404, f"No call with id '{call_id}' is under way.", "call_id_not_found", "call_id")
        return call

    async def answering(self) -> Answering:
        """What answers offers; loaded by the first one, in another thread, as sessions without it are spared that."""
        if self._answering is None:
            loading = asyncio.to_thread(_load, self._host, self._desk, self.media_host, self._consent_s)
            self._answering = asyncio.get_running_loop().create_task(loading)
        return await asyncio.shield(self._answering)

    async def asked(self, request: web.Request, configuration: Json | None) -> tuple[str, Json]:
        """The offer of a request and the session that is wanted; `configuration` is that of the client secret, if it
        came with one. Raises HttpError for what cannot be read.
        """
        offer, own = await _offer(request)
        written = own if own is not None else configuration
        if written is None and request.query.get("model"):
            written = {"type": "realtime", "model": request.query["model"]}
        if written is None:
            raise HttpError(400, "You must provide a model parameter.", "missing_required_parameter", "model")
        try:
            return offer, checked_configuration(written)
        except Refusal as error:
            raise refused(error) from None

    async def open(self, request: web.Request, offer: str, configuration: Json) -> web.Response:
        """Answer an offer. Raises HttpError 400 for one that cannot be answered."""
        call, sdp = await self._answer(offer, configuration)
        if request.query.get("webrtcfilter") == "on":
            call.filter_channel()  # nobody can have connected yet
        place = f"{request.path.rstrip('/')}/{call.call_id}"
        return web.Response(status=201, body=sdp.encode(), content_type=SDP, headers={"Location": place})

    async def hang_up(self, request: web.Request) -> web.Response:
        """End a call. Raises HttpError 404 where there is none."""
        self.find(request.match_info["call_id"]).hang_up()
        return web.Response()

    async def close(self, timeout_s: float) -> None:
        """End all, and wait until they have."""
        ending = [asyncio.ensure_future(call.end()) for call in self._calls.values()]
        if ending:
            await asyncio.wait(ending, timeout=timeout_s)

    async def _answer(self, offer: str, configuration: Json) -> tuple[WebRtcCall, str]:
        """Raises HttpError 400 for an offer that cannot be answered."""
        answering = await self.answering()
        call_id = f"rtc_{secrets.token_hex(12)}"
        call, sdp = await answering.answer_call(call_id, offer, configuration, self._forget)
        self._calls[call_id] = call
        return call, sdp

    def _forget(self, call: WebRtcCall) -> None:
        self._calls.pop(call.call_id, None)


def _load(host: Host, desk: FaultDesk, media_host: str, consent_s: float) -> Answering:
    from rtbench.emulator.answering import Answering
    from rtbench.transports.webrtc import prepare

    prepare()
    return Answering(host, desk, media_host, consent_s)


async def request_json(request: web.Request) -> Any:
    """A request's JSON object, empty where it has no body. Raises HttpError 400 for anything else."""
    body = await _body(request)
    written = _json(body, "The body") if body else {}
    if not isinstance(written, dict):
        raise HttpError(400, "The body must be a JSON object.", "invalid_json")
    return written


async def _offer(request: web.Request) -> tuple[str, Any]:
    """The SDP of a request, and the session object that came beside it, None without one."""
    if request.content_type == SDP:
        return _text(await _body(request), "sdp"), None
    if request.content_type != MULTIPART:
        message = f"Unsupported content type: '{request.content_type}'. Use '{SDP}' or '{MULTIPART}'."
        raise HttpError(415, message, "unsupported_content_type")
    parts = await _parts(request)
    if "sdp" not in parts:
        raise HttpError(400, "Missing required parameter: 'sdp'.", "missing_required_parameter", "sdp")
    session = None
    if "session" in parts:
        session = _json(parts["session"], "The part 'session'", "session")
    return _text(parts["sdp"], "sdp"), session


async def _parts(request: web.Request) -> dict[str, bytes]:
    """The parts of a form by their names; clients send them as fields or as files."""
    parts: dict[str, bytes] = {}
    try:
        for name, part in (await request.post()).items():
            if isinstance(part, web.FileField):
                parts[name] = part.file.read()
            else:
                parts[name] = part.encode() if isinstance(part, str) else bytes(part)
    except (ValueError, AssertionError, BadHttpMessage):  # the last of a part's own head
        raise HttpError(400, "The form could not be read.", "invalid_form") from None
    except CUT_SHORT as error:
        raise _cut_short() from error
    return parts


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except CUT_SHORT as error:
        raise _cut_short() from error


def _cut_short() -> HttpError:
    """For the log of a client that has gone, or of one that only says no more."""
    return HttpError(400, "The body is not as long as it was to be.", "invalid_body")


def _json(data: bytes, what: str, param: str | None = None) -> Any:
    """Raises HttpError 400 also for text that is no UTF-8, and for what is nested without measure."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HttpError(400, f"{what} is not valid JSON.", "invalid_json", param) from None


def _text(data: bytes, param: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise HttpError(400, f"The '{param}' is not valid UTF-8.", "invalid_value", param) from None
