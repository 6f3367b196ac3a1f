from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from aiohttp import ClientSession

from rtbench.emulator.access import HttpError
from rtbench.emulator.answering import Answering
from rtbench.emulator.fault_desk import FaultDesk
from rtbench.emulator.host import Host
from rtbench.transports.webrtc import connect

CALLERS = 50
CONSENT_S = 0.6
KEY = {"Authorization": "Bearer k"}
SESSION = {"type": "realtime", "model": "m"}

SERVER = """
import asyncio, gc, json, os, sys
import numpy as np
import psutil
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.recording import Recording
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.voice import Voice
from rtbench.emulator.webrtc_call import WebRtcCall
from rtbench.transports.webrtc import Peer

KINDS = (WebRtcCall, EmulatedSession, Peer)


def left():
    # A process that keeps time does not wait for a collection to be rid of its calls.
    uncollected = [type(thing).__name__ for thing in gc.get_objects() if type(thing) in KINDS[:2]]
    gc.collect()
    alive = [type(thing).__name__ for thing in gc.get_objects() if type(thing) in KINDS]
    process = psutil.Process()
    tasks = sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks())
    tasks = [name for name in tasks if name != "RequestHandler.start"]  # of HTTP connections kept alive
    return {"uncollected": uncollected, "alive": alive, "tasks": tasks, "files": process.num_fds(),
            "kilobytes": process.memory_info().rss // 1024}


async def main():
    gc.disable()
    reply = Recording("r", "yes", (), {rate: np.full(rate, 8000, np.int16) for rate in (8000, 24000)})
    service = Service(Profile(), Voice([reply], 100), Recognizer([]))
    server = EmulatorServer(service, consent_s=float(sys.argv[1]))
    port = await server.start("127.0.0.1", 0)
    await server.prepare(["opus"])
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(port, flush=True)
    while await lines.readline():
        print(json.dumps(left()), flush=True)
    await server.stop()

asyncio.run(main())
"""


class Silent:
    """A receiver that does not care."""

    def on_message(self, message: bytes, arrival_ns: int) -> None: ...
    def on_packet(self, packet, arrival_ns: int) -> None: ...
    def on_state(self, state, now_ns: int) -> None: ...
    def on_close(self, code: int, reason: str, now_ns: int) -> None: ...


@pytest.fixture
def server():
    """A server process that tells what it holds whenever it is asked."""
    command = [sys.executable, "-c", SERVER, str(CONSENT_S)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


async def vanish(url: str, callers: int) -> None:
    """Callers come, speak, and are gone without a word."""
    peers = []
    for _ in range(callers):
        peer, _ = await connect(url, lambda peer: Silent(), headers=KEY, session=SESSION)
        peer.send(b'{"type":"response.create"}')
        for tick in range(3):
            peer.send_packet(b"\xf8\xff\xfe", timestamp=960 * tick)
        peers.append(peer)
    for peer in peers:
        peer.abort()
    await asyncio.gather(*(peer.lost for peer in peers))
    async with ClientSession() as http, asyncio.timeout(CONSENT_S + 10):
        while True:
            async with http.get(url.replace("/v1", "/healthz")) as health:
                if (await health.json())["sessions"] == 0:
                    return
            await asyncio.sleep(0.1)


def test_fifty_callers_who_vanish_leave_nothing_behind(server):
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"

    def left() -> dict:
        server.stdin.write("\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())

    idle = left()
    asyncio.run(vanish(url, CALLERS // 2))
    before = left()
    asyncio.run(vanish(url, CALLERS // 2))
    after = left()
    assert before["uncollected"] == after["uncollected"] == []
    assert after["alive"] == []
    assert (after["tasks"], after["files"]) == (idle["tasks"], idle["files"])
    # What the interpreter keeps after the first half serves the other one; a call takes 200 kB and more.
    assert after["kilobytes"] - before["kilobytes"] < CALLERS * 20, (idle, before, after)


def test_an_offer_that_cannot_be_read_is_the_client_s_mistake(make_service):
    async def main() -> None:
        service = make_service()
        answering = Answering(Host(service, None), FaultDesk(service.profile), "127.0.0.1", 30)
        with pytest.raises(HttpError) as caught:
            await answering.answer_call("rtc_1", "v=0\r\nno sdp", SESSION, lambda call: None)
        assert caught.value.status == 400

    asyncio.run(main())
