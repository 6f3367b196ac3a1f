"""Fuzzing: mutated server messages through dialect and caller, mutated client messages and HTTP requests through the emulator.

    python tests/benchmarks/bench_fuzz.py [--server 100000] [--client 10000] [--http 10000]

Prints counts, outcomes by class, and the memory at the beginning and the end. An exception that escapes
ends it, with the seed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psutil

from rtbench.core.audio import Audio
from rtbench.core.machine import Disconnected
from rtbench.core.reconnection import ReconnectPolicy
from rtbench.core.resilience import ResilientCaller
from rtbench.core.script import Clip, Listen, Say, Script, SessionConfig
from rtbench.corpus.folder import find_corpus
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.door import Door
from rtbench.emulator.faulty_session import FaultySession
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.session import EmulatedSession

MS = 1_000_000
ITEM = {"id": "i1", "type": "message", "role": "assistant", "status": "completed", "content": []}
PART = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
PCM = Audio(bytes(4_800)).base64.decode()
SERVER: list[dict[str, Any]] = [
    {"type": "session.created", "session": {"id": "sess_1"}},
    {"type": "session.updated", "session": {"id": "sess_1"}},
    {"type": "input_audio_buffer.speech_started", "item_id": "u1", "audio_start_ms": 5},
    {"type": "input_audio_buffer.speech_stopped", "item_id": "u1", "audio_end_ms": 900},
    {"type": "input_audio_buffer.committed", "item_id": "u1", "previous_item_id": None},
    {"type": "conversation.item.added", "item": ITEM, "previous_item_id": "u1"},
    {"type": "response.created", "response": {"id": "r1", "status": "in_progress", "output": []}},
    {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "remaining": 0, "reset_seconds": 1}]},
    {"type": "response.output_audio.delta", **PART, "delta": PCM},
    {"type": "response.output_audio_transcript.delta", **PART, "delta": "Hello"},
    {"type": "response.output_audio.done", **PART},
    {"type": "response.output_text.delta", **PART, "delta": "Hello"},
    {"type": "response.done", "response": {"id": "r1", "status": "completed", "usage": {"total_tokens": 3}}},
    {"type": "conversation.item.truncated", "item_id": "i1", "content_index": 0, "audio_end_ms": 5},
    {"type": "error", "error": {"type": "server_error", "code": "x", "message": "m", "param": None}},
]
CLIENT: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}},
    {"type": "input_audio_buffer.append", "audio": PCM},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": []}},
    {"type": "conversation.item.delete", "item_id": "i"},
    {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 0},
    {"type": "response.create", "response": {"instructions": "x", "metadata": {"a": "b"}}},
    {"type": "response.cancel"},
    {"type": "output_audio_buffer.clear"},
    {"type": "rtbench.fault", "fault": {"stall": "10 ms"}},
]
STRANGE: list[Any] = [
    None, True, -1, 0, 2**63, 2**70, 1e308, -0.5, "", "x" * 300, "\u0000", "\ud83d", [], {}, [[]], {"type": 3}, "AAA=",
]  # fmt: skip


@dataclass
class Fuzzed:
    """What became of the messages."""

    messages: int = 0
    sessions: int = 0
    malformed: int = 0
    refused: int = 0
    answered: int = 0
    alive: bool = True
    outcomes: Counter[str] = field(default_factory=Counter)


def mutated(message: dict[str, Any], rng: random.Random) -> bytes:
    """A message with something wrong in it: a value, a key, its JSON, or its bytes; some are left whole."""
    if rng.random() < 0.3:
        return json.dumps(message).encode()
    changed = json.loads(json.dumps(message))
    for _ in range(rng.randrange(1, 4)):
        place: Any = changed
        while True:
            inner = [key for key in place if isinstance(place[key], dict)] if isinstance(place, dict) else []
            if not inner or rng.random() < 0.5:
                break
            place = place[rng.choice(inner)]
        if not place:
            break
        key = rng.choice(list(place))
        if rng.random() < 0.3:
            del place[key]
        elif rng.random() < 0.2:
            place[str(rng.choice(STRANGE))[:20]] = rng.choice(STRANGE)
        else:
            place[key] = rng.choice(STRANGE)
    data = json.dumps(changed).encode()
    if rng.random() < 0.15:
        at = rng.randrange(len(data) + 1)
        data = (
            data[:at]
            + rng.choice([b"", b"\xff", b"{", b'"', b"\x00", b"," * 30])
            + data[at + rng.randrange(3) :]
        )
    return data


def _caller(rng: random.Random) -> ResilientCaller:
    clip = Clip("c", 300 * MS, 20 * MS, 250 * MS, text="hello")
    script = Script(
        (Say(clip), Listen(2_000 * MS)) * 3,
        session=SessionConfig(settings={"type": "realtime"}),
        reconnect=ReconnectPolicy(attempts=2, base_ns=50 * MS, idle_ns=500 * MS),
    )
    return ResilientCaller(script, rng, frame_ns=40 * MS)


def fuzz_caller(messages: int, seed: int) -> Fuzzed:
    """Mutated server messages through the dialect and the caller, on as many sessions as it takes."""
    rng, found = random.Random(seed), Fuzzed()
    codec = OPENAI_GA.client_codec()
    caller, now = None, 0
    while found.messages < messages:
        if caller is None:
            caller = _caller(rng)
            caller.begin(now)
            caller.outgoing()
            caller.start(now)
            found.sessions += 1
            opening = [json.dumps(message).encode() for message in SERVER[:2]]
        message = opening.pop(0) if opening else mutated(rng.choice(SERVER), rng)
        now += rng.randrange(60 * MS)
        caller.wake(now)
        caller.receive(codec.decode(message), now)
        found.messages += 1
        if rng.random() < 0.002:
            caller.receive(Disconnected(rng.choice([1000, 1006, 1011])), now)
        for outgoing in caller.outgoing():
            if type(outgoing.event).__name__ == "Dial":
                caller.start(now)
        caller.finished_turns()
        caller.finished_stimuli()
        caller.finished_incidents()
        found.malformed += sum(mishap.error_class == "protocol_error" for mishap in caller.mishaps())
        if caller.outcome is not None:
            found.outcomes[caller.outcome] += 1
            caller = None
    if caller is not None:
        found.outcomes["live"] += 1
    return found


def fuzz_emulator(messages: int, seed: int) -> Fuzzed:
    """Mutated client messages through the dialect and the emulated session."""
    rng, found = random.Random(seed), Fuzzed()
    service = load_service(find_corpus("english"), Profile.model_validate({"replies": ["reply_yes"]}))
    session, now = None, 0
    while found.messages < messages:
        if session is None or rng.random() < 0.002:
            if session is not None:
                session.receive(Disconnected(1006), now)
            machine = EmulatedSession(service, model="m", token="0", number=found.sessions, expires_at=0)
            session = FaultySession(machine, [], str(seed), Door([], "1"))
            codec = OPENAI_GA.server_codec("event")
            session.start(now)
            found.sessions += 1
        now += rng.randrange(60 * MS)
        session.wake(now)
        session.receive(codec.decode(mutated(rng.choice(CLIENT), rng)), now)
        found.messages += 1
        for outgoing in session.outgoing():
            if type(outgoing.event).__name__ not in ("RawMessage", "BreakLine"):
                found.refused += b'"type":"error"' in codec.encode(outgoing.event)[:40]
    return found


def fuzz_http(requests: int, seed: int) -> Fuzzed:
    """Mutated upgrade requests, each on a connection of its own; the emulator has to be well after them."""
    rng, found = random.Random(seed), Fuzzed()
    plain = (
        b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer k\r\n\r\n"
    )

    async def ask(port: int, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            if not data.endswith(b"\r\n\r\n"):
                writer.write_eof()
            async with asyncio.timeout(2):
                return await reader.read(200)
        except (TimeoutError, ConnectionError):
            return b""
        finally:
            writer.close()

    async def main() -> None:
        service = load_service(find_corpus("english"), Profile.model_validate({"replies": ["reply_yes"]}))
        server = EmulatorServer(service)
        port = await server.start("127.0.0.1", 0)
        for _ in range(requests):
            data = bytearray(plain)
            for _ in range(rng.randrange(1, 6)):
                at = rng.randrange(len(data) - 4)
                data[at : at + rng.randrange(3)] = bytes(rng.randrange(256) for _ in range(rng.randrange(4)))
            answer = await ask(port, bytes(data))
            found.answered += bool(answer)
            assert b" 500 " not in answer[:20], (bytes(data), answer)
            found.messages += 1
        found.alive = b" 101 " in await ask(port, plain)
        await server.stop()

    log = logging.getLogger("aiohttp.server")
    log.disabled = True  # it tells of every request that is none
    try:
        asyncio.run(main())
    finally:
        log.disabled = False
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", type=int, default=100_000)
    parser.add_argument("--client", type=int, default=10_000)
    parser.add_argument("--http", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    process = psutil.Process()
    for name, run, count in (
        ("server messages through the caller", fuzz_caller, args.server),
        ("client messages through the emulator", fuzz_emulator, args.client),
        ("HTTP requests through the emulator", fuzz_http, args.http),
    ):
        run(max(1, count // 10), args.seed)  # fills caches
        gc.collect()
        before, began = process.memory_info().rss, time.monotonic()
        found = run(count, args.seed + 1)
        gc.collect()
        grown_mb = (process.memory_info().rss - before) / 1e6
        print(f"{name}: {found}, {time.monotonic() - began:.1f} s, memory {grown_mb:+.1f} MB")


if __name__ == "__main__":
    main()
