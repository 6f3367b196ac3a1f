"""The simulated network over the real transport: what was asked for, and what 10,000 messages measured.

    python tests/benchmarks/bench_network.py [--messages 10000] [--every-ms 2]

Small messages go from this process to itself over a WebSocket on loopback behind each preset; the
one-way delay of each is its arrival less its sending. A stream loses nothing, so loss shows as the
share of messages that TCP's repair made late; the model's own error is how late its alarms rang.
Datagrams are measured on the model alone, as WebRTC sends them: one each 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
from itertools import pairwise

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.impairment import Network
from rtbench.core.impairment_presets import PRESETS
from rtbench.engine.alarm import AlarmClock
from rtbench.transports.impaired import ModelError, impaired
from rtbench.transports.websocket import connect, serve


class Echo:
    """The far end: says when each message came."""

    def __init__(self, connection, arrivals: list[int]) -> None:
        self._arrivals = arrivals

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self._arrivals.append(arrival_ns - int(message))

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        """The measurement is over."""


class Deaf:
    def on_message(self, message: bytes, arrival_ns: int) -> None: ...

    def on_close(self, code: int, reason: str, now_ns: int) -> None: ...


async def over_a_stream(name: str, messages: int, every_ms: float) -> tuple[list[float], ModelError]:
    """One-way delays in milliseconds."""
    arrivals: list[int] = []
    server = await serve(lambda path, headers: lambda connection: Echo(connection, arrivals))
    alarms = AlarmClock(asyncio.get_running_loop())
    conditions = PRESETS[name]
    network = Network(conditions, lambda part: random.Random(f"1/{part}"), monotonic_ns())
    error = ModelError()
    near = []

    def stand(connection):
        near.append(connection)
        return Deaf()

    await connect(f"ws://127.0.0.1:{server.port}/", impaired(stand, network, alarms, error))
    began = monotonic_ns()
    for number in range(messages):
        due_ns = began + round(number * every_ms * NS_PER_MS)
        wait_ns = due_ns - monotonic_ns()
        if wait_ns > 0:
            await asyncio.sleep(wait_ns / 1e9)
        near[0].send(str(monotonic_ns()).encode())
    while len(arrivals) < messages:  # noqa: ASYNC110  # a benchmark may poll
        await asyncio.sleep(0.05)
    near[0].close()
    await asyncio.sleep(0.2 + 2 * conditions.delay_ms / 1000)
    alarms.close()
    await server.close()
    return [delay / NS_PER_MS for delay in arrivals], error


def datagrams(name: str, packets: int) -> tuple[float, float, float]:
    """Loss in per cent, mean delay and RFC 3550 jitter in milliseconds, of packets each 20 ms."""
    link = Network(PRESETS[name], lambda part: random.Random(f"1/{part}"), 0).up
    delays, lost = [], 0
    for number in range(packets):
        sent_ns = number * 20 * NS_PER_MS
        arrival_ns = link.datagram(160, sent_ns)
        if arrival_ns is None:
            lost += 1
        else:
            delays.append((arrival_ns - sent_ns) / NS_PER_MS)
    pairs = [abs(b - a) for a, b in pairwise(delays)]
    return (
        100 * (lost - link.cut) / max(1, packets - link.cut),
        statistics.fmean(delays),
        statistics.fmean(pairs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--every-ms", type=float, default=2.0)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    args = parser.parse_args()
    print(
        "preset      asked: delay jitter  loss | datagrams: delay jitter  loss | stream: p50    p99    worst | model late mean worst"
    )
    for name in args.presets:
        asked = PRESETS[name]
        loss, mean_ms, jitter_ms = datagrams(name, 10_000)
        delays, error = asyncio.run(over_a_stream(name, args.messages, args.every_ms))
        cuts = statistics.quantiles(delays, n=100)
        print(
            f"{name:10} {asked.delay_ms:12.1f} {asked.jitter_ms:6.1f} {100 * asked.loss:5.2f} |"
            f" {mean_ms:16.1f} {jitter_ms:6.1f} {loss:5.2f} |"
            f" {statistics.median(delays):11.1f} {cuts[98]:6.1f} {max(delays):8.1f} |"
            f" {error.mean_ms:13.2f} {error.worst_ns / NS_PER_MS:6.2f} ms"
        )


if __name__ == "__main__":
    main()
