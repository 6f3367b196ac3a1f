"""The emulator's server: its end points over HTTP, and a machine behind every WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
from itertools import count
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from rtbench.clock import NS_PER_S, monotonic_ns, unix_ns
from rtbench.core.errors import UsageError
from rtbench.core.response_events import ResponseCreated, ResponseDone
from rtbench.core.server_events import ErrorDetail, ErrorReceived
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.access import SUBPROTOCOL, HttpError, asked_model, asks_for_beta, check_key
from rtbench.emulator.refusal import INVALID_REQUEST
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.truth_file import TruthFile
from rtbench.emulator.websocket import StampingHandler, WebSocketConnection
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.driver import Driver

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

    def __init__(self, service: Service, *, key: str | None = None, log: TruthFile | None = None) -> None:
        """`key` is the only one accepted; any is where it is None."""
        self._service = service
        self._key = key
        self._log = log
        self._numbers = count(1)
        self._sockets: set[web.WebSocketResponse] = set()
        self._alarms = AlarmClock(asyncio.get_running_loop())
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        for path in REALTIME_PATHS:
            app.router.add_get(path, self._realtime)
        self._runner = web.AppRunner(app)
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which is a free one where 0 was asked for. Raises UsageError where it cannot be had."""
        await self._runner.setup()
        manager = self._runner.server
        assert manager is not None
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: StampingHandler(manager, loop=loop), host, port, backlog=BACKLOG
            )
        except OSError as error:
            raise UsageError(_listening_failed(host, port, error)) from None
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def stop(self) -> None:
        """Take no more sessions, close those that are open, and give everything back."""
        if self._server is not None:
            self._server.close()
        closing = [
            asyncio.ensure_future(socket.close(code=WSCloseCode.GOING_AWAY, message=b"the emulator stops"))
            for socket in self._sockets
        ]
        if closing:
            await asyncio.wait(closing, timeout=STOP_TIMEOUT_S)
        await self._runner.cleanup()
        self._alarms.close()
        if self._log is not None:
            self._log.close()

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "sessions": len(self._sockets)})

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), compress=False, max_msg_size=MAX_MESSAGE_BYTES, decode_text=False
        )
        try:
            if not socket.can_prepare(request).ok:
                raise HttpError(426, "This end point takes WebSocket connections.", "upgrade_required")
            check_key(request.headers, self._key)
            model = asked_model(request.query)
        except HttpError as error:
            return web.json_response(error.json(), status=error.status)
        await socket.prepare(request)
        connection = WebSocketConnection(socket, request)
        if asks_for_beta(request.headers):
            await _refuse_beta(connection, socket)
            return socket
        self._sockets.add(socket)
        try:
            await self._serve(socket, connection, model)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _serve(
        self, socket: web.WebSocketResponse, connection: WebSocketConnection, model: str
    ) -> None:
        """Drive a machine until the connection ends."""
        token = secrets.token_hex(8)
        limit_ns = self._service.profile.session_limit.ns
        machine = EmulatedSession(
            self._service,
            model=model,
            token=token,
            number=next(self._numbers),
            expires_at=(unix_ns() + limit_ns) // NS_PER_S,
        )
        codec = OPENAI_GA.server_codec(f"event_{token}")
        driver = Driver(machine, codec, self._alarms, _TruthKeeper(machine, self._log), lambda: None)
        driver.start(connection)
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    driver.on_message(message.data, connection.arrived_ns)
        finally:
            driver.on_close(socket.close_code or WSCloseCode.ABNORMAL_CLOSURE, "", monotonic_ns())
            _write_truth(machine, self._log)


class _TruthKeeper:
    """Writes the truth about a response that is over, in the pauses (see `engine.driver.Observer`)."""

    def __init__(self, machine: EmulatedSession, log: TruthFile | None) -> None:
        self._machine = machine
        self._log = log

    def received(self, event: Any, at_ns: int) -> None:
        """Nothing is kept of what comes in."""

    def sent(self, event: Any, due_ns: int, at_ns: int) -> None:
        # A row is complete when its response is done, or only when the next one begins (see `truth`).
        if type(event) in (ResponseCreated, ResponseDone):
            _write_truth(self._machine, self._log)


def _write_truth(machine: EmulatedSession, log: TruthFile | None) -> None:
    rows = machine.truth_rows()
    if log is not None:
        log.write(rows)


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
