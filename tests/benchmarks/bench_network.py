"""The simulated network over real sockets: what each preset promises, and what 10,000 packets each way measured.

    python tests/benchmarks/bench_network.py [--packets 10000] [--presets wifi 4g ...]

Each preset lies under a WebRTC call (RTP every 20 ms both ways, with ICE, DTLS, and RTCP) and under a WebSocket
(a message every 40 ms both ways), all at the same time in this process over loopback: seven minutes.
Every datagram is seen before it enters the simulation and after it has come through the socket on the other side;
the two are paired by their bytes, which encryption makes unique.

Judged in each direction, of the first 10,000 datagrams:
    loss      of those outside outages, within 2 % of the preset's or one packet (three, beside outages)
    delay     mean, within 5 ms
    jitter    mean difference of RTP packets in the order of arrival (RFC 3550, 6.4.1), within 2 %
    outages   runs of 25 lost packets and more; their mean length within 2 %

A stream loses nothing: loss shows as segments that TCP sent again, by the model's count within 2 % of all that it
sent. Its messages have to arrive when the model said that they would: 99 % within 5 ms. Exit code 1 where something is
outside.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby, pairwise

import uvloop
from aiohttp import web

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.codec import OPUS
from rtbench.core.impairment import Conditions, Link, Network
from rtbench.core.impairment_presets import PRESETS
from rtbench.engine.alarm import AlarmClock
from rtbench.transports.impaired import ImpairedPath, ModelError, impaired
from rtbench.transports.webrtc import Datagram, answer, connect
from rtbench.transports.websocket import connect as connect_websocket
from rtbench.transports.websocket import serve

PACKET_NS = 20 * NS_PER_MS
MESSAGE_NS = 40 * NS_PER_MS
PAYLOAD = bytes(range(80))
"""As large as 20 ms of Opus."""

OUTAGE_PACKETS = 25
DELAY_BOUND_MS = 5.0
SHARE_BOUND = 0.02


def network(name: str, start_ns: int) -> Network:
    return Network(PRESETS[name], lambda part: random.Random(f"1/{part}"), start_ns)


@dataclass
class Direction:
    """Datagrams of one way, in the order in which they left."""

    sent: list[tuple[bytes, int]] = field(default_factory=list)
    arrived: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))

    def leaves(self, datagram: Datagram) -> None:
        self.sent.append((datagram.data, monotonic_ns()))

    def arrives(self, datagram: Datagram) -> None:
        self.arrived[datagram.data].append(monotonic_ns())

    def delays_ns(self, count: int) -> list[tuple[bool, int, int | None]]:
        """Of the first so many: whether it is RTP, when it left, and when it came, if it did.

        Of a check of ICE that was repeated bit for bit the last ones came.
        """
        found: list[tuple[bool, int, int | None]] = []
        for data, sent_ns in reversed(self.sent):
            came = self.arrived[data]
            found.append((is_rtp(data), sent_ns, came.pop() if came else None))
        return found[::-1][:count]


def is_rtp(data: bytes) -> bool:
    """Version 2, and no packet type of RTCP (RFC 5761, 4)."""
    return 128 <= data[0] < 192 and not 192 <= data[1] <= 223


class Tap:
    """A path without faults that notes what passes."""

    def __init__(
        self,
        out: Callable[[Datagram], None],
        into: Callable[[Datagram], None],
        leaves: Callable[[Datagram], None],
        arrives: Callable[[Datagram], None],
    ) -> None:
        self._out, self._into, self._leaves, self._arrives = out, into, leaves, arrives

    def send(self, datagram: Datagram) -> None:
        self._leaves(datagram)
        self._out(datagram)

    def deliver(self, datagram: Datagram) -> None:
        self._arrives(datagram)
        self._into(datagram)


class Deaf:
    """Nothing is listened to: datagrams are looked at below."""

    def __init__(self, peer) -> None: ...

    def on_message(self, message: bytes, arrival_ns: int) -> None: ...

    def on_packet(self, packet, arrival_ns: int) -> None: ...

    def on_state(self, state: str, now_ns: int) -> None: ...

    def on_close(self, code: int, reason: str, now_ns: int) -> None: ...


def talk(send: Callable[[int], None], every_ns: int, alarms: AlarmClock, count: int) -> asyncio.Future[None]:
    """Call `send(number)` at absolute deadlines, so many times."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    start_ns = monotonic_ns() + 100 * NS_PER_MS

    def tick(_: int, number: int) -> None:
        send(number)
        if number + 1 == count:
            done.set_result(None)
        else:
            alarms.call_at(start_ns + (number + 1) * every_ns, lambda now: tick(now, number + 1))

    alarms.call_at(start_ns, lambda now: tick(now, 0))
    return done


async def over_webrtc(name: str, packets: int, alarms: AlarmClock, error: ModelError) -> list[Direction]:
    """Up and down."""
    up, down = Direction(), Direction()
    answered = []

    def far_path(to_socket, to_peer):
        return Tap(to_socket, to_peer, down.leaves, up.arrives)

    def near_path(to_socket, to_peer):
        def arrives(datagram: Datagram) -> None:
            down.arrives(datagram)
            to_peer(datagram)

        lies_between = ImpairedPath(network(name, monotonic_ns()), alarms, error, to_socket, arrives)
        return Tap(lies_between.send, lies_between.deliver, up.leaves, lambda _: None)

    async def call(request: web.Request) -> web.Response:
        peer, sdp = await answer(await request.text(), Deaf, path=far_path)
        answered.append(peer)
        return web.Response(status=201, text=sdp, content_type="application/sdp")

    app = web.Application()
    app.router.add_post("/v1/realtime/calls", call)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    caller, _ = await connect(url, Deaf, credentials="direct", path=near_path, timeout_s=60)
    ends = [caller, *answered]

    def speaks(peer) -> Callable[[int], None]:
        return lambda number: peer.send_packet(PAYLOAD, timestamp=number * OPUS.packet_ticks)

    await asyncio.gather(*(talk(speaks(peer), PACKET_NS, alarms, packets) for peer in ends))
    await asyncio.sleep(2)
    for peer in ends:
        peer.close()
    await asyncio.gather(*(peer.lost for peer in ends))
    await runner.cleanup()
    return [up, down]


@dataclass
class Stream:
    """Messages of one way over a WebSocket, by number."""

    sent_ns: list[int] = field(default_factory=list)
    due_ns: list[int] = field(default_factory=list)
    """When the model said that it would arrive."""

    arrived_ns: list[int] = field(default_factory=list)
    resent: float = 0.0
    """Share of all segments sent that were lost, and sent again."""


class Observed:
    """A direction of the model, that notes what it said."""

    def __init__(self, link: Link, due_ns: list[int]) -> None:
        self._link, self._due_ns = link, due_ns

    def stream(self, size_bytes: int, now: int) -> int:
        due_ns = self._link.stream(size_bytes, now)
        self._due_ns.append(due_ns)
        return due_ns


async def over_a_stream(name: str, messages: int, alarms: AlarmClock, error: ModelError) -> list[Stream]:
    """Up and down."""
    up, down = Stream(), Stream()
    far, near = [], []

    class Far(Deaf):
        def on_message(self, message: bytes, arrival_ns: int) -> None:
            up.arrived_ns.append(arrival_ns)

    class Near(Deaf):
        def on_message(self, message: bytes, arrival_ns: int) -> None:
            down.arrived_ns.append(arrival_ns)

    def answers(connection) -> Far:
        far.append(connection)
        return Far(connection)

    def stands(connection) -> Near:
        near.append(connection)
        return Near(connection)

    server = await serve(lambda path, headers: answers)
    between = network(name, monotonic_ns())
    links = between.up, between.down
    between.up, between.down = Observed(between.up, up.due_ns), Observed(between.down, down.due_ns)
    await connect_websocket(f"ws://127.0.0.1:{server.port}/", impaired(stands, between, alarms, error))

    def speaks(stream: Stream, connection) -> Callable[[int], None]:
        def send(number: int) -> None:
            stream.sent_ns.append(monotonic_ns())
            connection.send(PAYLOAD)

        return send

    ends = ((up, near[0]), (down, far[0]))
    await asyncio.gather(*(talk(speaks(*end), MESSAGE_NS, alarms, messages) for end in ends))
    while min(len(up.arrived_ns), len(down.arrived_ns)) < messages:  # noqa: ASYNC110  # a benchmark may poll
        await asyncio.sleep(0.1)
    for stream, link in zip((up, down), links, strict=True):
        stream.resent = link.lost / (link.lost + link.sent)
    near[0].close()
    await asyncio.sleep(1)
    await server.close()
    return [up, down]


def judge_datagrams(direction: Direction, asked: Conditions, count: int) -> tuple[str, list[str]]:
    seen = direction.delays_ns(count)
    cut, lost, outages_ms = 0, 0, []
    last_ns = seen[0][1]
    runs = [(is_lost, list(run)) for is_lost, run in groupby(seen, key=lambda one: one[2] is None)]
    for place, (is_lost, those) in enumerate(runs):
        if is_lost and len(those) >= OUTAGE_PACKETS:
            cut += len(those)
            if (
                0 < place < len(runs) - 1
            ):  # how long one was that had begun before, or went on after, is not seen
                outages_ms.append((those[-1][1] - last_ns) / NS_PER_MS)
        elif is_lost:
            lost += len(those)
        last_ns = those[-1][1]
    delay_ms = statistics.fmean((came - left) / NS_PER_MS for _, left, came in seen if came is not None)
    in_order = sorted((came, left) for rtp, left, came in seen if rtp and came is not None)
    jitter_ms = statistics.fmean(
        abs((b[0] - a[0]) - (b[1] - a[1])) / NS_PER_MS for a, b in pairwise(in_order)
    )
    share = lost / (len(seen) - cut)
    broken = []
    # Packets that an outage took are no draws of the chain, whose decks of run lengths then end anywhere.
    packets_off = 1.0 if asked.outage_every_ms is None else 3.0
    due = asked.loss * (len(seen) - cut)
    if abs(lost - due) > max(packets_off, SHARE_BOUND * due):
        broken.append(f"loss {100 * share:.2f} %, asked {100 * asked.loss:.2f} %")
    if abs(delay_ms - asked.delay_ms) > DELAY_BOUND_MS:
        broken.append(f"delay {delay_ms:.1f} ms, asked {asked.delay_ms:g} ms")
    if abs(jitter_ms / asked.jitter_ms - 1) > SHARE_BOUND:
        broken.append(f"jitter {jitter_ms:.2f} ms, asked {asked.jitter_ms:g} ms")
    if asked.outage_every_ms is not None:
        mean_ms = statistics.fmean(outages_ms) if outages_ms else 0.0
        if abs(mean_ms / asked.outage_ms - 1) > SHARE_BOUND:
            broken.append(f"outages of {mean_ms:.0f} ms, asked {asked.outage_ms:g} ms")
    elif outages_ms:
        broken.append(f"{len(outages_ms)} outages, asked none")
    told = f"{100 * share:6.2f} {delay_ms:7.1f} {jitter_ms:7.2f} {len(outages_ms):4}"
    return told, broken


def judge_stream(stream: Stream, asked: Conditions) -> tuple[str, list[str]]:
    off_ms = [
        abs(came - due) / NS_PER_MS for came, due in zip(stream.arrived_ns, stream.due_ns, strict=False)
    ]
    p99_ms = statistics.quantiles(off_ms, n=100)[98]
    delays = sorted(
        (came - sent) / NS_PER_MS for came, sent in zip(stream.arrived_ns, stream.sent_ns, strict=True)
    )
    broken = []
    if abs(stream.resent / asked.loss - 1) > max(SHARE_BOUND, 1 / (asked.loss * len(delays))):
        broken.append(f"{100 * stream.resent:.2f} % sent again, asked {100 * asked.loss:.2f} %")
    if p99_ms > DELAY_BOUND_MS:
        broken.append(f"p99 {p99_ms:.1f} ms beside the model")
    told = f"{100 * stream.resent:6.2f} {statistics.median(delays):7.1f} {delays[-1]:8.0f} {p99_ms:6.2f}"
    return told, broken


async def measure(names: list[str], packets: int) -> bool:
    """Whether all is within its bounds."""
    alarms = AlarmClock(asyncio.get_running_loop())
    error = ModelError()
    calls = [over_webrtc(name, packets, alarms, error) for name in names]
    streams = [over_a_stream(name, packets, alarms, error) for name in names]
    found = await asyncio.gather(*calls, *streams)
    alarms.close()
    print(
        f"{packets:,} packets each way; the simulation's own lateness: mean {error.mean_ms:.2f}, "
        f"worst {error.worst_ns / NS_PER_MS:.1f} ms"
    )
    print("                 asked                 | datagrams                       | stream")
    print(
        "preset     way   loss %  delay  jitter | loss %   delay  jitter outages  | again %  p50 ms   max ms  off p99"
    )
    findings = []
    for name, directions, both in zip(names, found[: len(names)], found[len(names) :], strict=True):
        asked = PRESETS[name]
        for way, direction, stream in zip(("up", "down"), directions, both, strict=True):
            told, broken = judge_datagrams(direction, asked, packets)
            told_stream, broken_stream = judge_stream(stream, asked)
            print(
                f"{name:10} {way:5} {100 * asked.loss:6.2f} {asked.delay_ms:6.0f} {asked.jitter_ms:7.1f} |"
                f" {told}     |  {told_stream}"
            )
            findings += [f"{name}, {way}, {what}" for what in broken]
            findings += [f"{name}, {way}, stream: {what}" for what in broken_stream]
    for finding in findings:
        print("BROKEN:", finding)
    return not findings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packets", type=int, default=10_000)
    parser.add_argument("--presets", nargs="*", choices=list(PRESETS), default=list(PRESETS))
    chosen = parser.parse_args()
    sys.exit(0 if uvloop.run(measure(chosen.presets, chosen.packets)) else 1)


if __name__ == "__main__":
    main()
