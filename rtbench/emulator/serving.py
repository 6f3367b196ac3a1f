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
from typing import TYPE_CHECKING, Any

import uvloop

from rtbench.emulator.health import HEALTH_LOG
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.truth_file import TruthFile

if TYPE_CHECKING:
    from rtbench.emulator.certificate import Certificate
from rtbench.engine.priority import prefer_this_process

FAULT_LOG = "faults.jsonl"
"""Stands beside the log of responses."""

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

    tls: bool = False
    """Serve `https` and `wss`, with a certificate of its own."""

    codecs: tuple[str, ...] = ()
    """Be ready for calls in these before saying so; others take a second when the first call wants them."""


def serve(serving: Serving) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the parent. Raises UsageError where it cannot begin, or go on after a restart."""
    prefer_this_process()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(serving))


async def _serve(serving: Serving) -> None:
    service = load_service(serving.corpus, serving.profile)
    log = TruthFile(serving.log) if serving.log is not None else None
    faults = TruthFile(serving.log.with_name(FAULT_LOG)) if serving.log is not None else None
    health = TruthFile(serving.log.with_name(HEALTH_LOG)) if serving.log is not None else None
    server = EmulatorServer(service, key=serving.key, log=log, fault_log=faults, health_log=health)
    stopped = _stop_signal(serving.parent_pipe)
    certificate = _certificate(serving)
    try:
        tls = certificate.context if certificate is not None else None
        port = await server.start(serving.host, serving.port, tls)
        await server.prepare(serving.codecs)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        _announce(serving, port, certificate.path if certificate is not None else None)
        await _either(stopped, server.failure)
    finally:
        await server.stop()
        if certificate is not None:
            certificate.remove()


async def _either(stopped: asyncio.Event, failure: asyncio.Future[None]) -> None:
    """Wait until told to stop. Raises what the server failed for, where it did before."""
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stopped.wait())
    await asyncio.wait((stopping, failure), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if failure.done():
        failure.result()


def _certificate(serving: Serving) -> Certificate | None:
    """Loaded only where it is wanted: it takes cryptography, which takes long."""
    if not serving.tls:
        return None
    from rtbench.emulator.certificate import Certificate

    return Certificate(serving.host)


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


def _announce(serving: Serving, port: int, certificate: Path | None) -> None:
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    url = f"{'http' if certificate is None else 'https'}://{host}:{port}/v1"
    if serving.announce:
        ready = {"port": port, "url": url, "pid": os.getpid()}
        line = json.dumps(ready if certificate is None else {**ready, "certificate": str(certificate)})
    else:
        keys = "any key" if serving.key is None else "one key"
        line = f"The emulator listens on {url} and takes {keys}; Ctrl-C stops it."
        if certificate is not None:
            line += f"\nClients that trust {certificate} may connect."
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
