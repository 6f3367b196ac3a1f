"""Processor time of WebRTC calls, Opus at 20 ms both ways: our media plane beside stock aiortc, in one run.

A service in a process of its own answers calls and talks all the time. The caller's process holds the
sessions: ours sends packets encoded in advance, on the engine's alarm clock, and stamps what comes;
stock aiortc encodes and decodes in every session. What is counted is the caller's process alone.

    python tests/benchmarks/bench_webrtc.py
    python tests/benchmarks/bench_webrtc.py --ours 15 200 400 --stock 15 --seconds 8
"""

import argparse
import asyncio
import fractions
import gc
import multiprocessing
import statistics
import time

import numpy as np
import uvloop
from aiohttp import ClientSession, web

from rtbench.clock import NS_PER_MS, NS_PER_S, cpu_ns, monotonic_ns
from rtbench.core.codec import OPUS
from rtbench.corpus.packets import encode_packets
from rtbench.engine.alarm import AlarmClock
from rtbench.transports.webrtc import answer, connect

PACKET_NS = 20 * NS_PER_MS
LATE_LIMIT_MS = 5.0  # a session counts as carried where 99 % of its packets leave within


def speech() -> np.ndarray:
    """Four seconds that change all the time, so that the encoder cannot rest."""
    noise = np.random.default_rng(1).normal(0.0, 1.0, 96_000)
    times = np.arange(96_000) / 24_000
    voice = np.sin(2 * np.pi * (140 + 40 * np.sin(2 * np.pi * 0.7 * times)) * times)
    return (6_000 * voice * (1 + 0.3 * noise) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * times))).astype(np.int16)


class Talk:
    """Sends the packets of a sound, over and over, at absolute deadlines; keeps how late each one left."""

    def __init__(self, peer, packets, alarms, phase_ns) -> None:
        self._peer, self._packets, self._alarms = peer, packets, alarms
        self._start_ns = monotonic_ns() + 50 * NS_PER_MS + phase_ns
        self._count = 0
        self.late_ns: list[int] = []
        self.stopped = False
        alarms.call_at(self._start_ns, self._send)

    def _send(self, now: int) -> None:
        due_ns = self._start_ns + self._count * PACKET_NS
        number = self._count % len(self._packets)
        self._peer.send_packet(self._packets[number], timestamp=self._count * OPUS.packet_ticks)
        self.late_ns.append(monotonic_ns() - due_ns)
        self._count += 1
        if not self.stopped:
            self._alarms.call_at(self._start_ns + self._count * PACKET_NS, self._send)


class Counter:
    """A receiver that counts."""

    def __init__(self, peer) -> None:
        self.packets = 0

    def on_message(self, message: bytes, arrival_ns: int) -> None: ...

    def on_packet(self, packet, arrival_ns: int) -> None:
        self.packets += 1

    def on_state(self, state: str, now_ns: int) -> None: ...

    def on_close(self, code: int, reason: str, now_ns: int) -> None: ...


def run_service(pipe) -> None:
    async def run() -> None:
        alarms = AlarmClock(asyncio.get_running_loop())
        packets = encode_packets(speech(), 24_000, OPUS)

        async def call(request: web.Request) -> web.Response:
            talks = []

            class Talker(Counter):
                def __init__(self, peer) -> None:
                    super().__init__(peer)
                    talks.append(Talk(peer, packets, alarms, monotonic_ns() * 7 % PACKET_NS))

                def on_close(self, code: int, reason: str, now_ns: int) -> None:
                    talks[0].stopped = True

            _, sdp = await answer(await request.text(), Talker)
            return web.Response(status=201, text=sdp, content_type="application/sdp")

        app = web.Application()
        app.router.add_post("/v1/realtime/calls", call)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(site._server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(run())


async def measure(seconds: float, count: int, talks: list[Talk]) -> tuple[float, float]:
    """Processor milliseconds per session-second, and the 99th percentile of lateness in ms (0 where not known)."""
    await asyncio.sleep(1.0)
    gc.collect()
    gc.freeze()
    await asyncio.sleep(1.0)  # what waited for the collection has left
    for talk in talks:
        talk.late_ns.clear()
    before, began = cpu_ns(), monotonic_ns()
    await asyncio.sleep(seconds)
    used, elapsed = cpu_ns() - before, monotonic_ns() - began
    gc.unfreeze()
    late = sorted(ns for talk in talks for ns in talk.late_ns)
    p99 = late[len(late) * 99 // 100] / NS_PER_MS if late else 0.0
    return used / NS_PER_MS / (elapsed / NS_PER_S) / count, p99


async def ours(url: str, count: int, seconds: float) -> tuple[float, float, float]:
    alarms = AlarmClock(asyncio.get_running_loop())
    packets = encode_packets(speech(), 24_000, OPUS)
    set_up = cpu_ns()
    peers, counters = [], []

    def receiver(peer) -> Counter:
        counters.append(Counter(peer))
        return counters[-1]

    for first in range(0, count, 10):
        made = range(first, min(first + 10, count))
        peers += [
            peer
            for peer, _ in await asyncio.gather(*(connect(url, receiver, credentials="direct") for _ in made))
        ]
    set_up_ms = (cpu_ns() - set_up) / NS_PER_MS / count
    talks = [Talk(peer, packets, alarms, number * PACKET_NS // count) for number, peer in enumerate(peers)]
    cost, p99 = await measure(seconds, count, talks)
    expected = 50 * (seconds + 2) * count
    came = sum(counter.packets for counter in counters) / expected
    if came < 0.98:
        print(f"       the next line is doubtful: {came:.0%} of the service's packets came", flush=True)
    for talk in talks:
        talk.stopped = True
    for peer in peers:
        peer.close()
    await asyncio.gather(*(peer.lost for peer in peers))
    alarms.close()
    return cost, p99, set_up_ms


async def stock(url: str, count: int, seconds: float) -> tuple[float, float, float]:
    import aioice.ice
    import av
    from aiortc import (
        MediaStreamTrack,
        RTCConfiguration,
        RTCPeerConnection,
        RTCSessionDescription,
    )

    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    samples = speech()

    class Voice(MediaStreamTrack):
        """PCM in frames of 20 ms, at absolute deadlines."""

        kind = "audio"

        def __init__(self, phase_s: float) -> None:
            super().__init__()
            self._start, self._count = time.monotonic() + phase_s, 0

        async def recv(self):
            await asyncio.sleep(max(0.0, self._start + self._count * 0.02 - time.monotonic()))
            at = self._count * 480 % (len(samples) - 480)
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 480], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 24_000, self._count * 480
            frame.time_base = fractions.Fraction(1, 24_000)
            self._count += 1
            return frame

    readers, connections = [], []

    async def read(track) -> None:
        while True:
            await track.recv()

    async def dial(number: int) -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)
        connection.addTrack(Voice(number / count * 0.02))
        opened = asyncio.Event()
        connection.createDataChannel("oai-events").on("open", opened.set)
        connection.on("track", lambda track: readers.append(asyncio.ensure_future(read(track))))
        await connection.setLocalDescription(await connection.createOffer())
        offer = connection.localDescription.sdp
        async with ClientSession() as http, http.post(f"{url}/realtime/calls", data=offer) as response:
            sdp = await response.text()
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await asyncio.wait_for(opened.wait(), 20)

    set_up = cpu_ns()
    for number in range(count):
        await dial(number)
    set_up_ms = (cpu_ns() - set_up) / NS_PER_MS / count
    cost, _ = await measure(seconds, count, [])
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for connection in connections:
        await connection.close()
    return cost, 0.0, set_up_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ours", type=int, nargs="*", default=[15, 100, 200, 400])
    parser.add_argument("--stock", type=int, nargs="*", default=[15])
    parser.add_argument("--seconds", type=float, default=6.0)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    service = context.Process(target=run_service, args=(far,), daemon=True)
    service.start()
    url = f"http://127.0.0.1:{near.recv()}/v1"
    costs: dict[str, list[float]] = {"ours": [], "stock": []}
    print("who    sessions  CPU ms/session-s  p99 late ms  set-up CPU ms  sessions per core at this cost")
    for name, hold, counts in (("stock", stock, chosen.stock), ("ours", ours, chosen.ours)):
        for count in counts:
            cost, p99, set_up_ms = uvloop.run(hold(url, count, chosen.seconds))
            costs[name].append(cost)
            late = f"{p99:11.2f}" if p99 else "          -"
            print(
                f"{name:6} {count:8}  {cost:16.2f}  {late}  {set_up_ms:13.1f}  {1000 / cost:10.0f}",
                flush=True,
            )
    if costs["ours"] and costs["stock"]:
        ratio = statistics.median(costs["stock"]) / min(costs["ours"])
        print(f"stock costs {ratio:.1f} times as much per session as ours at its best")
    service.terminate()
    service.join()


if __name__ == "__main__":
    main()
