import asyncio

import aiohttp
import pytest
import uvloop

from rtbench.transports.websocket import Refusal, connect, serve


class Echo:
    """A receiver that sends back what it hears."""

    def __init__(self, connection) -> None:
        self._connection = connection
        self.closes: list[tuple[int, str]] = []

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self._connection.send(message)

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.closes.append((code, reason))


def accept_all(path, headers):
    return Echo


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


async def answer_to(request: bytes, accept=accept_all) -> bytes:
    """What the server says to these bytes, until it hangs up."""
    server = await serve(accept)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    await server.close()
    return answer


def test_a_conversation_with_an_independent_client(loop) -> None:
    async def talk() -> list:
        server = await serve(accept_all, subprotocols=("realtime",))
        url = f"ws://127.0.0.1:{server.port}/"
        heard = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, protocols=("x", "realtime"), compress=15) as peer,
        ):
            heard.append(peer.protocol)
            for text in ("one", "zwei ß", "x" * 200_000):
                await peer.send_str(text)
                heard.append((await peer.receive()).data)
            await peer.ping(b"alive?")
            await peer.close(code=1001)
            heard.append(peer.close_code)
        await server.close()
        return heard

    assert loop.run(talk()) == ["realtime", "one", "zwei ß", "x" * 200_000, 1001]


def test_the_service_decides_by_path_and_headers(loop) -> None:
    seen = []

    def accept(path, headers):
        seen.append((path, headers["authorization"]))
        return Refusal(401, "wrong key") if "wrong" in headers["Authorization"] else Echo

    async def talk() -> tuple:
        server = await serve(accept)
        url = f"http://127.0.0.1:{server.port}/v1/realtime?model=m"
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url, headers={"Authorization": "right"}) as peer:
                await peer.send_str("in")
                heard = (await peer.receive()).data
            upgrade = {
                "Authorization": "wrong",
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Version": "13",
            }
            async with session.get(url, headers=upgrade) as refused:
                answer = (refused.status, await refused.text())
        await server.close()
        return heard, answer

    assert loop.run(talk()) == ("in", (401, "wrong key"))
    assert seen == [("/v1/realtime?model=m", "right"), ("/v1/realtime?model=m", "wrong")]


def test_without_a_common_subprotocol_there_is_none(loop) -> None:
    async def talk() -> list:
        server = await serve(accept_all, subprotocols=("realtime",))
        chosen = []
        async with aiohttp.ClientSession() as session:
            for offered in ((), ("other",), ("other", "realtime")):
                async with session.ws_connect(f"ws://127.0.0.1:{server.port}/", protocols=offered) as peer:
                    chosen.append(peer.protocol)
        await server.close()
        return chosen

    assert loop.run(talk()) == [None, None, "realtime"]


def test_a_plain_http_request_is_told_to_upgrade(loop) -> None:
    answer = loop.run(answer_to(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))

    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")


def test_garbage_is_hung_up_on(loop) -> None:
    assert loop.run(answer_to(b"\x16\x03\x01garbage\r\n\r\n")) == b""


def test_closing_the_server_tells_every_client_and_frees_the_port(loop) -> None:
    async def talk() -> list:
        server = await serve(accept_all)
        url = f"ws://127.0.0.1:{server.port}/"
        ends = [await connect(url, Echo) for _ in range(3)]
        receivers = [Echo(None), Echo(None), Echo(None)]
        for (connection, _), receiver in zip(ends, receivers, strict=True):
            connection.attach(receiver)
        await server.close()
        async with asyncio.timeout(5):
            for connection, _ in ends:
                await connection.lost
        again = await serve(accept_all, port=server.port)
        await again.close()
        return [receiver.closes for receiver in receivers]

    assert loop.run(talk()) == [[(1001, "going away")]] * 3


def test_closing_the_server_cuts_clients_that_never_asked_for_anything(loop) -> None:
    async def talk() -> bytes:
        server = await serve(accept_all)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        connection, _ = await connect(f"ws://127.0.0.1:{server.port}/", Echo)
        await server.close()
        await connection.lost
        try:
            rest = await reader.read()
        except ConnectionResetError:
            rest = b""
        writer.close()
        return rest

    assert loop.run(talk()) == b""


def test_a_port_that_is_taken_is_an_error(loop) -> None:
    async def talk() -> None:
        server = await serve(accept_all)
        try:
            with pytest.raises(OSError, match="address already in use"):
                await serve(accept_all, port=server.port)
        finally:
            await server.close()

    loop.run(talk())
