import asyncio
import datetime
import ipaddress
import logging
import socket
import ssl
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop
from aiohttp import WSMsgType, web

from rtbench.clock import monotonic_ns
from rtbench.core.errors import UsageError
from rtbench.transports.connection import ConnectError
from rtbench.transports.websocket import Refusal, connect, serve


class Recorder:
    """A receiver that keeps what it hears; `closed` is done with the end."""

    def __init__(self) -> None:
        self.heard: list = []
        self.late_ns: list[int] = []
        self.changed = asyncio.Event()

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.late_ns.append(monotonic_ns() - arrival_ns)
        self.heard.append(message)
        self.changed.set()

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.late_ns.append(monotonic_ns() - now_ns)
        self.heard.append((code, reason))
        self.changed.set()

    async def until(self, count: int) -> list:
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.heard


def nobody(connection) -> Recorder:
    return Recorder()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


@asynccontextmanager
async def aiohttp_service(handler):
    """An independent WebSocket server; yields its URL."""
    app = web.Application()
    app.router.add_get("/v1/realtime", handler)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/v1/realtime?model=test"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_service(answer: bytes | None, *, greets: bool = False, hang_up: bool = False):
    """A TCP server that answers a request with these bytes, or greets with them; None never answers. Yields its URL."""
    gone = asyncio.Event()
    handlers = []

    async def handle(reader, writer) -> None:
        handlers.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if not greets:
                await reader.readuntil(b"\r\n\r\n")
            if answer is not None:
                writer.write(answer)
            if not hang_up:
                await gone.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        gone.set()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*handlers)


def failure(loop, url: str, **options) -> ConnectError:
    async def attempt() -> None:
        await connect(url, nobody, **options)

    with pytest.raises(ConnectError) as caught:
        loop.run(attempt())
    return caught.value


async def failure_at(service, **options) -> ConnectError:
    async with service as url:
        with pytest.raises(ConnectError) as caught:
            await connect(url, nobody, **options)
    return caught.value


def test_a_conversation_with_an_independent_server(loop) -> None:
    seen = {}

    async def handler(request):
        seen.update(request.headers)
        seen["query"] = request.query_string
        socket_ = web.WebSocketResponse(protocols=("realtime",))
        await socket_.prepare(request)
        await socket_.send_str("session")
        await socket_.ping(b"alive?")
        async for message in socket_:
            assert message.type is WSMsgType.TEXT
            await socket_.send_str(message.data[::-1])
            if message.data == "bye":
                await socket_.close(code=4002, message=b"as you wish")
        return socket_

    async def talk() -> None:
        recorder = Recorder()
        async with aiohttp_service(handler) as url:
            connection, timings = await connect(
                url,
                lambda _: recorder,
                headers={"Authorization": "Bearer key"},
                subprotocols=("realtime", "openai-insecure-api-key.ek_1"),
            )
            await recorder.until(1)
            connection.send("añb".encode())
            connection.send(b"x" * 300_000)
            connection.send(b"bye")
            assert await recorder.until(5) == [
                b"session",
                "bña".encode(),
                b"x" * 300_000,
                b"eyb",
                (4002, "as you wish"),
            ]
            await connection.lost
        assert min(recorder.late_ns) >= 0
        assert timings.dns_ms >= 0
        assert timings.tls_ms is None
        assert timings.tcp_ms > 0.0
        assert timings.upgrade_ms > 0.0

    loop.run(talk())

    assert seen["Authorization"] == "Bearer key"
    assert seen["Sec-WebSocket-Protocol"] == "realtime, openai-insecure-api-key.ek_1"
    assert seen["User-Agent"] == "rtbench"
    assert seen["query"] == "model=test"
    assert "Sec-WebSocket-Extensions" not in seen


def test_our_close_is_answered_by_an_independent_server(loop) -> None:
    closed = []

    async def handler(request):
        socket_ = web.WebSocketResponse()
        await socket_.prepare(request)
        async for _ in socket_:
            pass
        closed.append(socket_.close_code)
        return socket_

    async def talk() -> list:
        recorder = Recorder()
        async with aiohttp_service(handler) as url:
            connection, _ = await connect(url, lambda _: recorder)
            connection.close(1000, "done")
            heard = await recorder.until(1)
            await connection.lost
        return heard

    ((code, _),) = loop.run(talk())

    assert code == 1000
    assert closed == [1000]


def test_the_receiver_is_made_before_messages_that_come_with_the_upgrade(loop) -> None:
    order = []

    def service(path, headers):
        def speak_first(connection):
            connection.send(b"first")
            return Recorder()

        return speak_first

    async def talk() -> None:
        server = await serve(service)
        recorder = Recorder()

        def factory(connection):
            order.append(connection)
            return recorder

        connection, _ = await connect(f"ws://127.0.0.1:{server.port}/", factory)
        order.append(connection)
        assert await recorder.until(1) == [b"first"]
        connection.abort()
        await server.close()

    loop.run(talk())

    assert len(order) == 2
    assert order[0] is order[1]


def test_names_are_resolved(loop) -> None:
    async def talk() -> float:
        server = await serve(lambda path, headers: nobody)
        connection, timings = await connect(f"ws://localhost:{server.port}/", nobody)
        connection.abort()
        await server.close()
        return timings.dns_ms

    assert loop.run(talk()) > 0.0


def test_an_unknown_name_is_a_dns_failure(monkeypatch) -> None:
    def no_such_name(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with asyncio.Runner() as runner:
        error = failure(runner, "ws://no-such-host.invalid/")

    assert (error.phase, error.error_class) == ("dns", "dns_failure")
    assert str(error).startswith("no-such-host.invalid:80: dns: the name cannot be resolved")


def test_a_name_that_cannot_be_one_is_a_dns_failure(loop) -> None:
    error = failure(loop, f"ws://{'x' * 70}.test/")

    assert (error.phase, error.error_class) == ("dns", "dns_failure")


def test_a_port_where_nobody_listens_refuses(loop) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = failure(loop, f"ws://127.0.0.1:{port}/")

    assert (error.phase, error.error_class, error.status) == ("tcp", "connect_refused", None)
    assert str(error) == f"127.0.0.1:{port}: tcp: connection refused"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_a_refused_upgrade_tells_its_status(loop, status) -> None:
    async def attempt() -> ConnectError:
        server = await serve(lambda path, headers: Refusal(status, "no"))
        with pytest.raises(ConnectError) as caught:
            await connect(f"ws://127.0.0.1:{server.port}/?key=sk-1", nobody, headers={"api-key": "sk-2"})
        await server.close()
        return caught.value

    error = loop.run(attempt())

    assert (error.phase, error.error_class, error.status) == ("upgrade", f"upgrade_{status}", status)
    assert "sk-" not in str(error)


def test_a_refusal_without_a_length_ends_with_the_stream(loop) -> None:
    error = loop.run(failure_at(raw_service(b"HTTP/1.1 503 Busy\r\n\r\nlater", hang_up=True)))

    assert error.error_class == "upgrade_503"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 20_000,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    ],
    ids=["other protocol", "binary", "bare 101", "wrong accept key"],
)
def test_garbage_instead_of_an_upgrade_is_told_as_such(loop, answer) -> None:
    error = loop.run(failure_at(raw_service(answer)))

    assert (error.phase, error.error_class, error.status) == ("upgrade", "upgrade_invalid", None)


def test_a_server_that_hangs_up_during_the_upgrade_lost_the_connection(loop) -> None:
    error = loop.run(failure_at(raw_service(b"HTTP/1.1 101 Swit", hang_up=True)))

    assert (error.phase, error.error_class) == ("upgrade", "connection_lost")


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 101 Swit"])
def test_a_server_that_never_answers_times_out_in_the_upgrade(loop, answer) -> None:
    error = loop.run(failure_at(raw_service(answer), timeout_s=0.05))

    assert (error.phase, error.error_class) == ("upgrade", "connect_timeout")
    assert "no answer within 0.05 s" in str(error)


def test_what_is_not_a_websocket_url_is_the_users_error(loop) -> None:
    async def attempt() -> None:
        await connect("http://127.0.0.1/", nobody)

    with pytest.raises(UsageError, match="not a WebSocket URL"):
        loop.run(attempt())


def test_the_key_never_gets_into_a_log(loop, caplog) -> None:
    caplog.set_level(logging.DEBUG)

    async def talk() -> None:
        server = await serve(lambda path, headers: nobody)
        connection, _ = await connect(
            f"ws://127.0.0.1:{server.port}/", nobody, headers={"Authorization": "Bearer sk-secret"}
        )
        connection.send(b"private words")
        connection.abort()
        await server.close()

    loop.run(talk())

    assert "secret" not in caplog.text
    assert "private" not in caplog.text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1, with its key, in one PEM file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rtbench test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


@pytest.fixture
def server_tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_tls_is_timed_and_carries_messages_and_closes(loop, certificate, server_tls) -> None:
    async def talk() -> tuple:
        far, near = Recorder(), Recorder()
        server = await serve(lambda path, headers: lambda _: far, ssl_context=server_tls)
        trust = ssl.create_default_context(cafile=str(certificate))
        connection, timings = await connect(
            f"wss://127.0.0.1:{server.port}/", lambda _: near, ssl_context=trust
        )
        connection.send(b"y" * 2**20)
        await far.until(1)
        connection.close(1000, "done")
        heard = (await far.until(2), await near.until(1), timings.tls_ms)
        await connection.lost
        await server.close()
        return heard

    far_heard, near_heard, tls_ms = loop.run(talk())

    assert far_heard == [b"y" * 2**20, (1000, "done")]
    assert near_heard == [(1000, "done")]
    assert tls_ms > 0.0


def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure(loop, server_tls) -> None:
    async def attempt() -> ConnectError:
        server = await serve(lambda path, headers: nobody, ssl_context=server_tls)
        with pytest.raises(ConnectError) as caught:
            await connect(f"wss://127.0.0.1:{server.port}/", nobody)
        await server.close()
        return caught.value

    error = loop.run(attempt())

    assert (error.phase, error.error_class) == ("tls", "tls_failure")
    assert "certificate" in str(error)


def test_tls_spoken_to_a_plain_port_is_a_tls_failure(loop) -> None:
    async def attempt() -> ConnectError:
        async with raw_service(b"hello\r\n", greets=True) as url:
            with pytest.raises(ConnectError) as caught:
                await connect(url.replace("ws:", "wss:"), nobody)
        return caught.value

    error = loop.run(attempt())

    assert (error.phase, error.error_class) == ("tls", "tls_failure")


def test_a_server_that_hangs_up_during_the_tls_handshake_lost_the_connection(loop) -> None:
    async def attempt() -> ConnectError:
        async with raw_service(None, greets=True, hang_up=True) as url:
            with pytest.raises(ConnectError) as caught:
                await connect(url.replace("ws:", "wss:"), nobody)
        return caught.value

    error = loop.run(attempt())

    assert (error.phase, error.error_class) == ("tls", "connection_lost")


def test_a_tls_handshake_that_never_goes_on_times_out(loop) -> None:
    async def attempt() -> ConnectError:
        async with raw_service(None) as url:
            with pytest.raises(ConnectError) as caught:
                await connect(url.replace("ws:", "wss:"), nobody, timeout_s=0.1)
        return caught.value

    error = loop.run(attempt())

    assert (error.phase, error.error_class) == ("tls", "connect_timeout")
