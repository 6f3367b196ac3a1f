"""Fuzzing: mutated server messages through dialect and caller, mutated client messages and HTTP requests through the emulator.

    python tests/benchmarks/bench_fuzz.py [--server 100000] [--client 10000] [--http 10000]

Prints counts, outcomes by class, and how memory grew in the first and in the second half of each part. An
exception that escapes ends it. Exit code 1 where a session ended without a class, an emulator answers no more
or keeps what it should not, or memory grows on: the first half fills caches and the allocator's arenas, while a
leak takes as much in the second as in the first. Bounds of the second half: 2 MB, which is what the
process's size wavers by from one moment to another, and one object that the collector tracks for 20 messages:
what is kept of each message has at least one, what is kept of each call dozens, and every twelfth request opens a call.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import cycle
from typing import Any

import psutil
from fuzz_requests import FuzzedServer
from mutations import Fuzzed, mutated

from rtbench.core.audio import Audio
from rtbench.core.client_events import ItemCreate
from rtbench.core.machine import Disconnected
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.reconnection import Dial, HangUp, Ping, ReconnectPolicy, Refused
from rtbench.core.resilience import ResilientCaller
from rtbench.core.script import Clip, Listen, Say, Script, SessionConfig
from rtbench.corpus.folder import find_corpus
from rtbench.dialects.dialect import ServerCodec
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.door import Door
from rtbench.emulator.faulty_session import FaultySession
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.session import EmulatedSession, Service

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
    caller, now, answer, plain = None, 0, 1, cycle(SERVER[2:-1])
    while found.messages < messages:
        if caller is None:
            caller = _caller(rng)
            caller.begin(now)
            caller.outgoing()
            caller.start(now)
            found.sessions += 1
            opening = SERVER[:2]
        # What is not mutated brings the session up, and its turns on: mutated messages alone would never get so far.
        if opening:
            message, opening = json.dumps(opening[0]).encode(), opening[1:]
        elif rng.random() < 0.5:
            message = json.dumps(next(plain)).encode()
        else:
            message = mutated(rng.choice(SERVER), rng)
        message = message.replace(b'"r1"', b'"r%d"' % answer).replace(b'"i1"', b'"i%d"' % answer)
        answer += b'"response.done"' in message
        now += rng.randrange(60 * MS)
        caller.wake(now)
        caller.receive(codec.decode(message), now)
        found.messages += 1
        if rng.random() < 0.01:
            caller.receive(Disconnected(rng.choice([1000, 1006, 1011])), now)
        for event in [outgoing.event for outgoing in caller.outgoing()]:
            if isinstance(event, Dial) and rng.random() < 0.5:
                caller.refused(Refused("upgrade_503", status=503), now)
            elif isinstance(event, Dial):
                caller.start(now)
                opening = SERVER[:2]
            elif isinstance(event, ItemCreate):
                added = {"type": "conversation.item.added", "item": event.item, "previous_item_id": None}
                opening = [*opening, added]
            elif not isinstance(event, HangUp | Ping | StartMicrophone | PlayClip):
                caller.sent(event, now)
        for turn in caller.finished_turns():
            found.turns[turn.outcome] += 1
        caller.finished_stimuli()
        caller.finished_incidents()
        found.malformed += sum(mishap.error_class == "protocol_error" for mishap in caller.mishaps())
        if caller.outcome is not None:
            found.outcomes[caller.outcome] += 1
            _note_class(caller, found)
            caller = None
    if caller is not None:
        found.outcomes["live"] += 1
        caller.abort(now)
        if caller.outcome is None:
            found.broken.append(f"a caller cannot be ended (seed {seed})")
    return found


def _note_class(caller: ResilientCaller, found: Fuzzed) -> None:
    """A session that went wrong says why."""
    outcome, session = caller.outcome, caller.session
    if outcome in ("failed", "dropped"):
        found.classes[session.error_class] += 1
        if not session.error_class:
            found.broken.append(f"session {found.sessions} was {outcome} without a class")


@cache
def _service() -> Service:
    """One for all rounds: its recordings take more memory than any leak would."""
    return load_service(find_corpus("english"), Profile.model_validate({"replies": ["reply_yes"]}))


def fuzz_emulator(messages: int, seed: int) -> Fuzzed:
    """Mutated client messages through the dialect and the emulated session."""
    rng, found = random.Random(seed), Fuzzed()
    service = _service()
    session, now, codec = None, 0, OPENAI_GA.server_codec("event")
    while found.messages < messages:
        if session is None or rng.random() < 0.002:
            if session is not None:
                now = _check_goes_on(session, codec, now, found)
                session.receive(Disconnected(1006), now)
                if session.outcome is None or session.next_wake() is not None:
                    found.broken.append(f"session {found.sessions} goes on without its client")
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


def _check_goes_on(session: FaultySession, codec: ServerCodec, now: int, found: Fuzzed) -> int:
    """A client who makes sense now is answered; until when that took."""
    for _ in range(2_000):  # whatever is to come, and what was ordered to be late
        wake_ns = session.next_wake()
        if wake_ns is None or wake_ns > now + 60_000 * MS:
            break
        now = max(now, wake_ns)
        session.wake(now)
        session.outgoing()
    session.receive(codec.decode(b'{"type":"session.update","session":{"type":"realtime"}}'), now)
    said = [type(outgoing.event).__name__ for outgoing in session.outgoing()]
    if "SessionUpdated" not in said:
        found.broken.append(f"session {found.sessions} does not go on, but says {said}")
    return now


MOST_GROWN_MB = 2.0
MOST_OBJECTS_KEPT = 0.05
"""For each message."""

FEW_OBJECTS = 300
"""That libraries may cache in a moment."""


def held() -> tuple[float, int]:
    """Memory of this process in MB, and the objects that the collector tracks."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6, len(gc.get_objects())


def halves(name: str, run: Callable[[int, int], Fuzzed], count: int, seed: int) -> list[str]:
    """Run both halves, print what became of them; what was broken."""
    run(max(1, count // 10), seed)  # fills caches
    broken: list[str] = []
    grown_mb, kept = [], []
    for half in (1, 2):
        before_mb, before = held()
        began = time.monotonic()
        found = run(count // 2, seed + half)
        took_s = time.monotonic() - began
        told, broken = str(replace(found, broken=[])), broken + found.broken
        del found
        after_mb, after = held()
        grown_mb.append(after_mb - before_mb)
        kept.append(after - before)
        print(f"{name}, half {half}: {told}, {took_s:.1f} s, {grown_mb[-1]:+.1f} MB, {kept[-1]:+,} objects")
    if grown_mb[1] > MOST_GROWN_MB:
        broken.append(f"memory goes on growing: {grown_mb[0]:+.1f}, then {grown_mb[1]:+.1f} MB")
    if kept[1] > max(FEW_OBJECTS, MOST_OBJECTS_KEPT * count / 2):
        broken.append(f"objects are kept: {kept[0]:+,}, then {kept[1]:+,}")
    return [f"{name}: {sentence}" for sentence in broken]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", type=int, default=100_000)
    parser.add_argument("--client", type=int, default=10_000)
    parser.add_argument("--http", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # of what is no header of a form
    broken = [
        *halves("server messages through the caller", fuzz_caller, args.server, args.seed),
        *halves("client messages through the emulator", fuzz_emulator, args.client, args.seed),
    ]
    with FuzzedServer() as server:
        broken += halves("HTTP requests through the emulator", server.fuzz, args.http, args.seed)
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
