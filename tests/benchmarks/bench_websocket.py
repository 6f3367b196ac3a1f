"""Processor time per WebSocket message: our shell against the asyncio client of `websockets`, on uvloop.

A service in a process of its own swallows 40 ms append frames, or sends 100 ms audio deltas one at a
time. Both clients take turns, and the ratio of each round is shown beside the medians.

    python tests/benchmarks/bench_websocket.py
"""

import asyncio
import multiprocessing
import statistics
from collections.abc import Callable, Coroutine

import uvloop
from websockets.asyncio.client import connect as connect_by_library

from rtbench.clock import cpu_ns
from rtbench.transports.websocket import connect, serve

ROUNDS = 7
MESSAGES = 2_000
MESSAGES_PER_TURN = 10
INTERVAL_S = 0.001  # so that a delta meets an idle client, as in a conversation
APPEND = b'{"type":"input_audio_buffer.append","audio":"' + b"A" * 2560 + b'"}'
DELTA = b'{"type":"response.output_audio.delta","event_id":"event_1","delta":"' + b"A" * 6400 + b'"}'


class Service:
    """Answers the last append with "done", and "go" with a stream of deltas."""

    def __init__(self, connection) -> None:
        self._connection = connection
        self._count = 0
        self._stream: asyncio.Task[None] | None = None

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        if message == b"go":
            self._stream = asyncio.ensure_future(self._send_deltas())
            return
        self._count += 1
        if self._count % MESSAGES == 0:
            self._connection.send(b"done")

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        if self._stream is not None:
            self._stream.cancel()

    async def _send_deltas(self) -> None:
        for _ in range(MESSAGES):
            self._connection.send(DELTA)
            await asyncio.sleep(INTERVAL_S)


def run_service(pipe) -> None:
    async def run() -> None:
        server = await serve(lambda path, headers: Service)
        pipe.send(server.port)
        await asyncio.Event().wait()

    uvloop.run(run())


class Counter:
    """A receiver that is done after so many messages."""

    def __init__(self) -> None:
        self.left = 0
        self.done = asyncio.Event()

    def expect(self, count: int) -> None:
        self.left = count
        self.done.clear()

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.left -= 1
        if not self.left:
            self.done.set()

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.done.set()


async def send_by_shell(url: str) -> int:
    counter = Counter()
    connection, _ = await connect(url, lambda _: counter)
    counter.expect(1)
    before = cpu_ns()
    for number in range(MESSAGES):
        connection.send(APPEND)
        if number % MESSAGES_PER_TURN == 0:
            await asyncio.sleep(0)
    await counter.done.wait()
    used = cpu_ns() - before
    connection.abort()
    return used


async def send_by_library(url: str) -> int:
    async with connect_by_library(url, compression=None) as connection:
        before = cpu_ns()
        for number in range(MESSAGES):
            await connection.send(APPEND, text=True)
            if number % MESSAGES_PER_TURN == 0:
                await asyncio.sleep(0)
        await connection.recv()
        return cpu_ns() - before


async def receive_by_shell(url: str) -> int:
    counter = Counter()
    connection, _ = await connect(url, lambda _: counter)
    counter.expect(MESSAGES)
    before = cpu_ns()
    connection.send(b"go")
    await counter.done.wait()
    used = cpu_ns() - before
    connection.abort()
    return used


async def receive_by_library(url: str) -> int:
    async with connect_by_library(url, compression=None) as connection:
        before = cpu_ns()
        await connection.send(b"go", text=True)
        for _ in range(MESSAGES):
            await connection.recv(decode=False)
        return cpu_ns() - before


def cost_us(client: Callable[[str], Coroutine[None, None, int]], url: str) -> float:
    """Processor time of this process per message, without that of connecting."""
    return uvloop.run(client(url)) / MESSAGES / 1_000


def compare(name: str, ours: Callable, theirs: Callable, url: str) -> None:
    costs = []
    for number in range(ROUNDS + 1):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        measured = {client: cost_us(client, url) for client in order}
        costs.append((measured[ours], measured[theirs]))
    costs = costs[1:]  # the first round warms up
    shell, library = (statistics.median(column) for column in zip(*costs, strict=True))
    ratios = sorted(theirs / ours for ours, theirs in costs)
    print(
        f"{name:8} shell {shell:6.1f} us  websockets {library:6.1f} us  "
        f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def main() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    service = context.Process(target=run_service, args=(theirs,), daemon=True)
    service.start()
    url = f"ws://127.0.0.1:{ours.recv()}/"
    print(f"median of {ROUNDS} rounds of {MESSAGES} messages; ratio: websockets / shell")
    compare("send", send_by_shell, send_by_library, url)
    compare("receive", receive_by_shell, receive_by_library, url)
    service.terminate()
    service.join()


if __name__ == "__main__":
    main()
