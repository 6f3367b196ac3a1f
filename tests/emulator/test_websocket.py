from __future__ import annotations

import asyncio
import ssl

import pytest
import uvloop
from aiohttp import ClientSession, WSMsgType, web

from rtbench.clock import monotonic_ns
from rtbench.emulator.certificate import Certificate
from rtbench.emulator.websocket import StampingHandler, WebSocketConnection


def over_a_socket(server_side, client_side, *, run=asyncio.run, certificate=None):
    """Run both ends of one connection: `server_side(connection, response)`, `client_side(websocket)`."""
    tls = certificate.context if certificate is not None else None
    trust = ssl.create_default_context(cafile=str(certificate.path)) if certificate is not None else True
    scheme = "http" if certificate is None else "https"

    async def main() -> None:
        failures: list[BaseException] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.WebSocketResponse(compress=False)
            await response.prepare(request)
            try:
                await server_side(WebSocketConnection(response, request), response)
            except BaseException as error:
                failures.append(error)
                raise
            return response

        app = web.Application()
        app.router.add_get("/", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: StampingHandler(runner.server, loop=loop), "127.0.0.1", 0, ssl=tls
        )
        url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            async with ClientSession() as session, session.ws_connect(url, ssl=trust) as socket:
                await asyncio.wait_for(client_side(socket), 5)
        finally:
            server.close()
            await runner.cleanup()
        assert not failures

    run(main())


def test_messages_leave_in_order_without_waiting():
    async def serve(connection, response):
        for number in range(100):
            connection.send(b"%d" % number)
        assert connection.bytes_sent > 100
        await response.receive()

    async def client(socket):
        received = [(await socket.receive()).data for _ in range(100)]
        assert received == [str(number) for number in range(100)]

    over_a_socket(serve, client)


def test_arrivals_are_stamped_before_they_are_handled():
    async def serve(connection, response):
        before = monotonic_ns()
        message = await response.receive()
        handled = monotonic_ns()
        assert message.data == "hello"
        assert before <= connection.arrived_ns <= handled
        assert connection.bytes_received > len("hello")
        connection.send(b"done")

    async def client(socket):
        await socket.send_str("hello")
        assert (await socket.receive()).data == "done"

    over_a_socket(serve, client)


def test_a_close_tells_its_code_and_nothing_is_sent_after_it():
    async def serve(connection, response):
        connection.send(b"last")
        connection.close(4001, "enough")
        connection.send(b"too late")
        connection.close(4002)
        assert (await response.receive()).type in (WSMsgType.CLOSING, WSMsgType.CLOSED)

    async def client(socket):
        assert (await socket.receive()).data == "last"
        closed = await socket.receive()
        assert (closed.type, closed.data, closed.extra) == (WSMsgType.CLOSE, 4001, "enough")

    over_a_socket(serve, client)


def test_an_abort_cuts_the_connection():
    async def serve(connection, response):
        connection.abort()
        await response.receive()

    async def client(socket):
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
        assert socket.close_code == 1006

    over_a_socket(serve, client)


def test_a_client_that_does_not_read_is_cut_off():
    async def serve(connection, response):
        for _ in range(100):
            connection.send(bytes(1_000_000))
        assert connection.pending_bytes == 0
        await response.receive()

    async def client(socket):
        while (await socket.receive()).type is WSMsgType.TEXT:
            pass

    over_a_socket(serve, client)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_over_tls_a_close_does_not_wait_for_a_client_that_says_nothing(run, count):
    """A buffer without room counts as full and as empty in turn, each time that it is written to: hence two counts."""
    over = asyncio.Event()

    async def serve(connection, response):
        for number in range(count):
            connection.send(b"%d" % number)
        response._timeout = 0.1  # for the client's answer, and for nothing else
        async with asyncio.timeout(2):
            await response.close(code=4001, message=b"enough")
        over.set()

    async def client(socket):
        await over.wait()
        heard = [(await socket.receive()).data for _ in range(count + 1)]
        assert heard == [*map(str, range(count)), 4001]

    with Certificate("127.0.0.1") as certificate:
        over_a_socket(serve, client, run=run, certificate=certificate)
