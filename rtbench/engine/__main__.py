"""The engine as a process: `python -m rtbench.engine FD`, FD being its end of a socket pair.

It is plain CPython with uvloop, started by exec, and ends when the other end of the pair closes, so
that no engine outlives its worker.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any, cast

import uvloop

from rtbench.core.errors import RtbenchError
from rtbench.engine.engine import Engine
from rtbench.engine.messages import (
    Configure,
    FromEngine,
    Ready,
    Refused,
    Shutdown,
    StartCall,
    StopCall,
    ToEngine,
    Unpacker,
    pack,
)
from rtbench.engine.priority import prefer_this_process

SWITCH_INTERVAL_S = 50e-6
"""How long another thread, the darkroom's, may keep the interpreter from the loop; Python's own is 5 ms.

It may do so after each system call, of which a loop makes ten to twenty in a millisecond: 200 datagrams sent and received
take 1 ms alone, beside a busy thread 60 to 120 ms with intervals of 1 ms, and 10 to 22 ms with this one
(`tests/benchmarks/bench_switch_interval.py`)."""


class Pipe(asyncio.Protocol):
    """The engine's end of the pair: takes orders, and sends what the engine has to say."""

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._unpacker = Unpacker(ToEngine)
        self._transport: asyncio.Transport | None = None
        self._engine: Engine | None = None
        self._work: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class has the same methods

    def data_received(self, data: bytes) -> None:
        for order in self._unpacker.feed(data):
            self._obey(order)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)

    def say(self, message: FromEngine) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack(message))

    def _obey(self, order: ToEngine) -> None:
        match order:
            case Configure():
                self._begin(self._configure(order))
            case StartCall() if self._engine is not None:
                self._engine.start_call(order)
            case StopCall() if self._engine is not None:
                self._engine.stop_call(order)
            case Shutdown():
                self._begin(self._shut_down())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that takes its time; orders that come meanwhile are obeyed."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """Work that failed in a way that nobody foresaw ends the process, which the worker notices at once."""
        self._work.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.closed.done():
            self.closed.set_exception(error)

    async def _configure(self, settings: Configure) -> None:
        try:
            self._engine = Engine(settings, self.say)
            await self._engine.probe()
        except RtbenchError as error:
            self.say(Refused(str(error), int(error.exit_code)))
        else:
            self.say(Ready())

    async def finish(self) -> None:
        """The worker is gone, maybe without a word: end what runs, and save what can be saved."""
        self._begin(self._shut_down())
        await asyncio.wait(self._work)

    async def _shut_down(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.shut_down()
        if self._transport is not None:
            self._transport.close()  # flushes first


async def serve(pair: socket.socket) -> None:
    """Obey the worker until its end of the pair closes."""
    loop = asyncio.get_running_loop()
    _, pipe = await loop.create_connection(Pipe, sock=pair)
    try:
        await pipe.closed
    finally:
        await pipe.finish()


def main() -> None:
    """Run the engine on the descriptor that the command line names."""
    # Ctrl-C goes to the whole process group; the worker decides what becomes of the calls.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    prefer_this_process()
    pair = socket.socket(fileno=int(sys.argv[1]))
    pair.setblocking(False)
    uvloop.run(serve(pair))


if __name__ == "__main__":
    main()
