"""A service on loopback that answers offers, and what its peers and its callers hear."""

import asyncio
import gc
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop
from aiohttp import web

from rtbench.transports.webrtc import ConsentPace, SdpError, answer, connect

PATIENT = ConsentPace(interval_s=0.05)
"""Asks often, and forgives a machine that stands still."""

QUICK = ConsentPace(interval_s=0.05, expiry_s=0.5, silence_s=0.1)
"""So that a test of a peer that vanishes does not wait for half a minute."""


class Recorder:
    """A receiver that keeps what it hears."""

    def __init__(self, peer=None) -> None:
        self.peer = peer
        self.messages: list[bytes] = []
        self.message_stamps: list[int] = []
        self.packets: list = []
        self.packet_stamps: list[int] = []
        self.states: list[str] = []
        self.closes: list[tuple[int, str]] = []
        self._changed = asyncio.Event()

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        assert type(message) is bytes and not self.closes
        self.messages.append(message)
        self.message_stamps.append(arrival_ns)
        self._changed.set()

    def on_packet(self, packet, arrival_ns: int) -> None:
        assert not self.closes
        self.packets.append(packet)
        self.packet_stamps.append(arrival_ns)
        self._changed.set()

    def on_state(self, state: str, now_ns: int) -> None:
        self.states.append(state)
        self._changed.set()

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.closes.append((code, reason))
        self._changed.set()

    async def until(self, predicate):
        """Wait until this is true of the recorder."""
        async with asyncio.timeout(10):
            while not predicate(self):
                self._changed.clear()
                await self._changed.wait()
        return self


class Service:
    """`/v1/realtime/client_secrets`, `/calls` and `/hangup`, with the real answerer; a key of its own per secret."""

    def __init__(self, **options) -> None:
        self.options = {"consent": PATIENT, **options}
        self.requests: list[tuple[str, dict, str, bytes]] = []
        self.peers: list = []
        self.receivers: list[Recorder] = []
        self.url = ""
        self.refusals: dict[str, web.Response] = {}
        """Answers to give instead, by the end of the path."""

        self.handle_call = self._answer
        self.rewrite = lambda sdp: sdp

    def receiver(self, peer) -> Recorder:
        self.receivers.append(Recorder(peer))
        return self.receivers[-1]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((request.path_qs, dict(request.headers), request.content_type, body))
        end = request.path.rsplit("/", 1)[1]
        if end in self.refusals:
            return self.refusals[end]
        if end == "client_secrets":
            return web.json_response({"value": "ek_1", "expires_at": 1, "session": {}})
        if end == "hangup":
            self.peers[0].close()
            return web.Response()
        offer = body.decode()
        if request.content_type == "multipart/form-data":
            offer = body.split(b"\r\n\r\n")[1].split(b"\r\n--")[0].decode()
        try:
            sdp = self.rewrite(await self.handle_call(offer))
        except SdpError as error:
            return web.Response(status=400, text=str(error))
        return web.Response(
            status=201,
            text=sdp,
            content_type="application/sdp",
            headers={"Location": "/v1/realtime/calls/rtc_1"},
        )

    async def _answer(self, offer: str) -> str:
        peer, sdp = await answer(offer, self.receiver, **self.options)
        self.peers.append(peer)
        return sdp


@asynccontextmanager
async def open_service(**options):
    service = Service(**options)
    app = web.Application()
    app.router.add_post("/v1/realtime/{path:.*}", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
    try:
        yield service
    finally:
        for peer in service.peers:
            peer.abort()
        await asyncio.gather(*(peer.lost for peer in service.peers))
        await runner.cleanup()


class Call:
    """Both ends of one call: `near` called and `far.peer` answered, and what they heard."""

    def __init__(self, near, near_heard: Recorder, far_heard: Recorder, timings) -> None:
        self.near, self.near_heard, self.timings = near, near_heard, timings
        self.far = self.far_heard = far_heard


@asynccontextmanager
async def open_call(service_options=None, **options):
    async with open_service(**(service_options or {})) as service:
        heard: list[Recorder] = []

        def receiver(peer) -> Recorder:
            heard.append(Recorder(peer))
            return heard[-1]

        options = {"credentials": "direct", "consent": PATIENT, **options}
        peer, timings = await connect(service.url, receiver, **options)
        assert heard[0].peer is peer
        try:
            yield Call(peer, heard[0], service.receivers[0], timings)
        finally:
            peer.abort()
            await peer.lost


def open_sockets() -> int:
    """Of this process; libuv keeps a descriptor or two of its own, which are none."""
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one of the listing itself is gone already
            names.append(str(descriptor.readlink()))
    return sum(name.startswith("socket:") for name in names)


async def wait_until(predicate) -> None:
    """Wait for what no callback tells; a machine that stands still for a while is forgiven."""
    async with asyncio.timeout(10):
        while not predicate():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@pytest.fixture
def run():
    """Runs a coroutine on uvloop; at its end no task and no socket may be left."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

        async def watched(coroutine):
            before = open_sockets()
            result = await coroutine
            gc.collect()
            with suppress(TimeoutError):
                await wait_until(lambda: len(asyncio.all_tasks()) == 1 and open_sockets() <= before)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"tasks left behind: {left}"
            assert open_sockets() <= before, "sockets left behind"
            return result

        yield lambda coroutine: runner.run(watched(coroutine))


@pytest.fixture
def service():
    """Opens a service: `async with service() as it`."""
    return open_service


@pytest.fixture
def call():
    """Opens a call with both ends: `async with call() as it`."""
    return open_call


@pytest.fixture
def recorder():
    return Recorder


@pytest.fixture
def patient():
    return PATIENT


@pytest.fixture
def quick():
    return QUICK


@pytest.fixture
def eventually():
    return wait_until
