"""The emulator's server: its end points over HTTP, and a machine behind every WebSocket and every call."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler

from rtbench.clock import NS_PER_S, monotonic_ns, unix_ns
from rtbench.core.client_events import Json
from rtbench.core.codec import CODECS
from rtbench.core.errors import UsageError
from rtbench.core.server_events import ErrorDetail, ErrorReceived
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator import cors
from rtbench.emulator.access import SUBPROTOCOL, HttpError, asked_session, asks_for_beta, check_room
from rtbench.emulator.breakable import BreakableDriver
from rtbench.emulator.breakdown import Restart
from rtbench.emulator.calls import CONSENT_S, Calls, request_json
from rtbench.emulator.client_secrets import ClientSecrets
from rtbench.emulator.fault_desk import FaultDesk
from rtbench.emulator.health import HealthWatch
from rtbench.emulator.held_ports import HeldPorts
from rtbench.emulator.host import Host, TruthKeeper
from rtbench.emulator.line_faults import At
from rtbench.emulator.refusal import INVALID_REQUEST
from rtbench.emulator.session import Service
from rtbench.emulator.truth_file import TruthFile
from rtbench.emulator.websocket import StampingHandler, WebSocketConnection
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.probe import PROBE_HEADER

if TYPE_CHECKING:
    from rtbench.emulator.webrtc_call import WebRtcCall

REALTIME_PATHS = ("/v1/realtime", "/openai/v1/realtime")
"""OpenAI's and Azure's; the same end point."""

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""Above the base64 of the largest append, so that one too large is answered by an error, not by a close."""

BETA_CLOSED = 4000
BETA_CODE = "beta_api_shape_disabled"
STOP_TIMEOUT_S = 1.0
BACKLOG = 1024
"""Connections that wait to be accepted: a whole run's callers may come at once."""


class EmulatorServer:
    """Serves sessions on one port, for as long as it is started. Belongs to the running event loop."""

    def __init__(
        self,
        service: Service,
        *,
        key: str | None = None,
        log: TruthFile | None = None,
        fault_log: TruthFile | None = None,
        health_log: TruthFile | None = None,
        consent_s: float = CONSENT_S,
    ) -> None:
        """`key` is the only one accepted beside client secrets; any is where it is None.

        A caller over WebRTC of whom nothing is heard for `consent_s` has vanished.
        """
        self._secrets = ClientSecrets(key)
        self._alarms = AlarmClock(asyncio.get_running_loop())
        self._host = Host(service, self._alarms, log)
        self._desk = FaultDesk(service.profile, fault_log)
        self._calls = Calls(self._host, self._desk, consent_s)
        self._restarts: asyncio.Task[None] | None = None
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends, with a UsageError, where the server cannot go on; never otherwise."""

        self._lines: dict[str, BreakableDriver] = {}
        """Open WebSocket sessions, by name."""

        self._sockets: set[web.WebSocketResponse] = set()
        self._health = HealthWatch(self._alarms, self._sessions_open, health_log)
        app = web.Application(middlewares=[_told_in_json])
        cors.allow(app)
        app.router.add_get("/healthz", self._healthz)
        for path in REALTIME_PATHS:
            app.router.add_get(path, self._realtime)
            app.router.add_post(f"{path}/client_secrets", self._make_secret)
            app.router.add_post(f"{path}/calls", self._open_call)
            app.router.add_post(f"{path}/calls/{{call_id}}/hangup", self._hang_up)
        self._runner = web.AppRunner(app)
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; the port, which is a free one where 0 was asked for. Raises UsageError where it cannot be had."""
        await self._runner.setup()
        try:
            await self.start_listening(host, port, tls)
        except OSError as error:
            raise UsageError(_listening_failed(host, port, error)) from None
        assert self._server is not None
        self._calls.media_host, listening = self._server.sockets[0].getsockname()[:2]
        self._health.start()
        restart = self._host.service.profile.restart
        if restart is not None:
            again = partial(self._listen_again, host, int(listening), tls)
            self._restarts = asyncio.ensure_future(self._restart(restart, again))
        return int(listening)

    async def start_listening(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Take connections; raises OSError where the port cannot be had."""
        manager = self._runner.server
        assert manager is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: StampingHandler(manager, loop=loop), host, port, backlog=BACKLOG, ssl=tls
        )

    async def _listen_again(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Take connections after a restart; where the port is gone the server has failed."""
        try:
            await self.start_listening(host, port, tls)
        except OSError as error:
            self.failure.set_exception(UsageError(f"after a restart {_listening_failed(host, port, error)}"))
            raise

    async def prepare(self, codecs: Sequence[str]) -> None:
        """Be ready for calls in these codecs, rather than when the first one comes."""
        if codecs:
            answering = await self._calls.answering()
            for name in codecs:
                await answering.lines.line(CODECS[name])

    async def stop(self) -> None:
        """Take no more sessions, close those that are open, and give everything back."""
        if self._restarts is not None:
            self._restarts.cancel()
        if self._server is not None:
            self._server.close()
        closing = [
            asyncio.ensure_future(socket.close(code=WSCloseCode.GOING_AWAY, message=b"the emulator stops"))
            for socket in self._sockets
        ]
        if closing:
            await asyncio.wait(closing, timeout=STOP_TIMEOUT_S)
        await self._calls.close(STOP_TIMEOUT_S)
        await self._runner.cleanup()
        self._alarms.close()
        self._host.close()
        self._desk.close()
        self._health.close()

    async def _healthz(self, request: web.Request) -> web.Response:
        last = self._health.last
        return web.json_response(
            {
                "status": "ok",
                "sessions": self._sessions_open(),
                "tasks": len(asyncio.all_tasks()),
                "cpu_share": last.cpu_share if last is not None else None,
                "loop_lag_max_ms": last.loop_lag_max_ms if last is not None else None,
            }
        )

    def _sessions_open(self) -> int:
        return len(self._sockets) + len(self._calls)

    async def _make_secret(self, request: web.Request) -> web.Response:
        written = await request_json(request)
        wanted = self._secrets.check(request.headers, written)
        refusal = await self._refuse_on_purpose(request, wanted["model"], "key")
        if refusal is not None:
            return refusal
        token, now_s = secrets.token_hex(16), unix_ns() // NS_PER_S
        return web.json_response(self._secrets.issue(request.headers, written, token, now_s))

    async def _open_call(self, request: web.Request) -> web.Response:
        configuration = self._admit(request)
        offer, wanted = await self._calls.asked(request, configuration)
        refusal = await self._refuse_on_purpose(request, wanted["model"], "call")
        if refusal is not None:
            return refusal
        self._check_room(request)
        return await self._calls.open(request, offer, wanted)

    async def _hang_up(self, request: web.Request) -> web.Response:
        self._admit(request)
        return await self._calls.hang_up(request)

    def _admit(self, request: web.Request) -> Json | None:
        return self._secrets.admit(request.headers, unix_ns() // NS_PER_S)

    def _check_room(self, request: web.Request) -> None:
        """Raises HttpError where there is none; to be asked last, as a slow answer leaves others time to come in."""
        try:
            check_room(self._host.service.occupancy, self._host.service.profile.capacity)
        except HttpError as error:
            self._desk.no_room(error.status, is_probe=_is_probe(request))
            raise

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            autoping=False,
            compress=False,
            max_msg_size=MAX_MESSAGE_BYTES,
            decode_text=False,
        )
        if not _can_prepare(socket, request):
            raise HttpError(426, "This end point takes WebSocket connections.", "upgrade_required")
        configuration = self._admit(request)
        asked = asked_session(request.query)
        call = self._calls.find(asked.call_id) if asked.call_id else None
        if call is None:
            refusal = await self._refuse_on_purpose(request, asked.model, "upgrade")
            if refusal is not None:
                return refusal
            self._check_room(request)
        await socket.prepare(request)
        connection = WebSocketConnection(socket, request)
        if asks_for_beta(request.headers):
            await _refuse_beta(connection, socket)
            return socket
        self._sockets.add(socket)
        try:
            if call is not None:
                await _join(socket, connection, call)
            else:
                await self._serve(socket, connection, asked.model, configuration)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _serve(
        self,
        socket: web.WebSocketResponse,
        connection: WebSocketConnection,
        model: str,
        configuration: Json | None,
    ) -> None:
        """Drive a machine until the connection ends."""
        if configuration is not None:
            model = configuration["model"]
        machine, codec = self._host.open(model, configuration=configuration)
        line = self._desk.line(machine)
        driver = BreakableDriver(line, codec, self._alarms, TruthKeeper(self._host, machine), lambda: None)
        self._lines[machine.session_id] = driver
        driver.start(connection)
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    driver.on_message(message.data, connection.arrived_ns)
                elif message.type is WSMsgType.PING and not driver.has_vanished:
                    await socket.pong(message.data)
        finally:
            driver.on_close(socket.close_code or WSCloseCode.ABNORMAL_CLOSURE, "", monotonic_ns())
            self._lines.pop(machine.session_id, None)
            self._host.write_truth(machine)
            self._desk.write([*line.take_rows(), *machine.fault_rows()])

    # Faults on purpose.

    async def _refuse_on_purpose(self, request: web.Request, model: str, at: At) -> web.Response | None:
        """The door's fault for this request, where it has one."""
        verdict = self._desk.decide(model, is_probe=_is_probe(request), at=at)
        if verdict.wait_ns:
            await asyncio.sleep(verdict.wait_ns / NS_PER_S)
        if verdict.cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if verdict.status is None:
            return None
        error = HttpError(verdict.status, "Refused on purpose.", f"refused_{verdict.status}")
        headers = {} if verdict.retry_after_s is None else {"Retry-After": f"{verdict.retry_after_s:g}"}
        return web.json_response(error.json(), status=error.status, headers=headers)

    async def _stop_listening(self) -> list[tuple[int, Any]]:
        """Refuse connections; what was listened on, which is free when this returns."""
        assert self._server is not None
        addresses: list[tuple[int, Any]] = [
            (listener.family, listener.getsockname()) for listener in self._server.sockets
        ]
        self._server.close()
        await asyncio.sleep(0)  # the loop closes them when it comes round
        return addresses

    async def _restart(self, restart: Restart, listen_again: Callable[[], Awaitable[None]]) -> None:
        """Close sessions, and keep everybody out for a time, as the profile says."""
        wait_s, wave = restart.at.s, 0
        while True:
            await asyncio.sleep(wait_s)
            calls = {call.session_id: call for call in self._calls.standing}
            struck = restart.struck([*self._lines.items(), *calls.items()], wave)
            is_out = restart.share == 1 and restart.lasts.ns > 0
            with HeldPorts(await self._stop_listening() if is_out else ()):
                for name, session in struck:
                    if name in self._lines or (name in calls and calls[name].is_standing):
                        self._desk.restarted(name, restart.code)
                        session.restart(restart.code)
                        await asyncio.sleep(
                            0
                        )  # its close frame leaves before the next one's instant is noted
                if is_out:
                    await asyncio.sleep(restart.lasts.s)
                    try:
                        await listen_again()
                    except OSError:
                        return  # `failure` tells of it
            if restart.every is None:
                return
            wait_s, wave = max(0.0, restart.every.s - restart.lasts.s), wave + 1


def _is_probe(request: web.Request) -> bool:
    return PROBE_HEADER in request.headers


async def _join(socket: web.WebSocketResponse, connection: WebSocketConnection, call: WebRtcCall) -> None:
    """Listen in to a call, and act on its session, until either ends."""
    call.join(connection)
    try:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                call.on_sideband(message.data, connection.arrived_ns)
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
    finally:
        call.leave(connection)


def _can_prepare(socket: web.WebSocketResponse, request: web.Request) -> bool:
    """Whether a request is an upgrade. aiohttp stumbles over headers that are not ASCII, which no upgrade has."""
    try:
        return socket.can_prepare(request).ok
    except ValueError:
        return False


@web.middleware
async def _told_in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors have the API's body."""
    try:
        return await handler(request)
    except HttpError as error:
        return web.json_response(error.json(), status=error.status)


async def _refuse_beta(connection: WebSocketConnection, socket: web.WebSocketResponse) -> None:
    """As the service treats clients of the retired beta: an error, then close code 4000."""
    message = "The Realtime Beta API is no longer supported. Please use the GA API."
    detail = ErrorDetail(type=INVALID_REQUEST, code=BETA_CODE, message=message)
    connection.send(OPENAI_GA.server_codec().encode(ErrorReceived(error=detail)))
    with contextlib.suppress(ConnectionError):
        await socket.close(code=BETA_CLOSED, message=f"{INVALID_REQUEST}.{BETA_CODE}".encode())


def _listening_failed(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; choose another one with --port, or 0 for any that is free"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} may not be used by this user; choose one above 1023 with --port"
    return f"the emulator cannot listen on {host} port {port}: {error.strerror or error}"
