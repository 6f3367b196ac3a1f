"""The emulator's process: loads what it needs, says when it is ready, serves until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import uvloop

from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.truth_file import TruthFile
from rtbench.engine.priority import prefer_this_process

_GC_THRESHOLDS = (10_000, 50, 50)
"""A collection of the youngest after so many new objects rather than 700: sessions make few cycles, and
a pause of the collector would be a delay that nobody asked for."""


@dataclass(frozen=True)
class Serving:
    """What is to be served, and where."""

    profile: Profile
    corpus: Path
    host: str
    port: int
    key: str | None = None
    log: Path | None = None
    announce: bool = False
    """Say that it is ready in JSON, for another process to read."""

    parent_pipe: bool = False
    """Stop when standard input ends: the process at its other end is gone."""


def serve(serving: Serving) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the parent. Raises UsageError where it cannot begin."""
    prefer_this_process()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(serving))


async def _serve(serving: Serving) -> None:
    service = load_service(serving.corpus, serving.profile)
    log = TruthFile(serving.log) if serving.log is not None else None
    server = EmulatorServer(service, key=serving.key, log=log)
    stopped = _stop_signal(serving.parent_pipe)
    try:
        port = await server.start(serving.host, serving.port)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        _announce(serving, port)
        await stopped.wait()
    finally:
        await server.stop()


def _stop_signal(parent_pipe: bool) -> asyncio.Event:
    """Set by SIGTERM and SIGINT, and where asked for by the end of standard input."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if parent_pipe:
        stdin = sys.stdin.fileno()

        def readable() -> None:
            if not os.read(stdin, 4096):
                loop.remove_reader(stdin)
                stopped.set()

        loop.add_reader(stdin, readable)
    return stopped


def _announce(serving: Serving, port: int) -> None:
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    url = f"http://{host}:{port}/v1"
    if serving.announce:
        line = json.dumps({"port": port, "url": url, "pid": os.getpid()})
    else:
        keys = "any key" if serving.key is None else "one key"
        line = f"The emulator listens on {url} and takes {keys}; Ctrl-C stops it."
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
