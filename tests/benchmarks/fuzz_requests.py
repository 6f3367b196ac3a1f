"""Fuzzing over HTTP: the emulator's door, which is asked for sessions, keys, calls and the end of calls in all that is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import time
from typing import Any, Self

from mutations import Fuzzed, changed, mutated

from rtbench.core.codec import CODECS
from rtbench.corpus.folder import find_corpus
from rtbench.emulator.answering import CONNECT_TIMEOUT_S
from rtbench.emulator.client_secrets import ClientSecrets
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.transports.webrtc.certificate import process_certificate
from rtbench.transports.webrtc.description import LocalDescription, write
from rtbench.transports.webrtc.ice import ConsentPace, IceConnection

KEY = b"Authorization: Bearer k\r\n"
UPGRADE = (
    b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + KEY + b"\r\n"
)
SESSION: dict[str, Any] = {
    "type": "realtime", "model": "m", "instructions": "x", "output_modalities": ["audio"],
    "audio": {"input": {"turn_detection": {"type": "server_vad"}}, "output": {"voice": "alloy"}},
}  # fmt: skip
SECRET: dict[str, Any] = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": SESSION}
AT_ONCE = 16
"""Requests under way together."""

LEFT_S = 1.5 * CONNECT_TIMEOUT_S
"""By then all must be over: the server's library waits for the rest of a body for 10 s, and a call whose caller did not
wait for the answer ends when its connection has not come about."""

PATIENCE_S = 0.25
"""For an answer on this machine; a request whose end was mutated away gets none, and is then ended."""


def _post(path: bytes, content_type: bytes, body: bytes) -> bytes:
    about = b"Content-Type: %s\r\nContent-Length: %d\r\n" % (content_type, len(body))
    return b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n%s" % (path, KEY, about, body)


def mutated_sdp(offer: str, rng: random.Random) -> bytes:
    """Lines left out, doubled, swapped, with another number or no value; or a few bytes changed."""
    if rng.random() < 0.2:
        return changed(offer.encode(), rng)
    lines = offer.splitlines()
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(lines))
        kind = rng.randrange(5)
        if kind == 0 and len(lines) > 1:
            del lines[at]
        elif kind == 1:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif kind == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            lines[at] = re.sub(r"\d+", str(rng.choice([0, -1, 2**16, 2**70, 1e308])), lines[at], count=1)
        else:
            lines[at] = lines[at].split(":")[0] + rng.choice(["", ":", ": x", ":" + "9" * 300])
    return "\r\n".join([*lines, ""]).encode()


def mutated_request(offer: str, rng: random.Random) -> bytes:
    """One of all that the emulator is asked for over HTTP: its content mutated, or any of its bytes, sometimes nothing."""
    sdp = offer.encode() if rng.random() < 0.2 else mutated_sdp(offer, rng)
    told = mutated(SESSION, rng)
    form = (
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\nContent-Type: application/sdp\r\n\r\n%s\r\n'
        b'--b\r\nContent-Disposition: form-data; name="session"\r\nContent-Type: application/json\r\n\r\n%s\r\n--b--\r\n'
    )
    request = rng.choice(
        (
            lambda: UPGRADE,
            lambda: _post(b"/v1/realtime/client_secrets", b"application/json", mutated(SECRET, rng)),
            lambda: _post(b"/v1/realtime/calls?model=m", b"application/sdp", sdp),
            lambda: _post(b"/v1/realtime/calls", b"multipart/form-data; boundary=b", form % (sdp, told)),
            lambda: _post(b"/v1/realtime/calls/rtc_%x/hangup" % rng.randrange(99), b"text/plain", b""),
        )
    )()
    return request if rng.random() < 0.5 and request is not UPGRADE else changed(request, rng)


async def _ask(port: int, request: bytes) -> bytes:
    """The head of the answer; empty where the connection ended without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(request)
        for patience_s in (PATIENCE_S, 5.0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    while b"\r\n\r\n" not in answer and (more := await reader.read(4_096)):
                        answer += more
                    break
            writer.write_eof()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


async def _offer() -> str:
    """What a caller of ours would send."""
    ice = IceConnection(is_controlling=True, addresses=("127.0.0.1",), consent=ConsentPace(), path=None)
    await ice.gather_candidates()
    local = LocalDescription(
        username=ice.local_username,
        password=ice.local_password,
        candidates=ice.local_candidates,
        fingerprint=process_certificate().fingerprint,
        dtls_role="auto",
        payload_types={111: CODECS["opus"]},
        ssrc=1,
        cname="c",
    )
    await ice.close()
    return write(local)


class FuzzedServer:
    """An emulator at its door, for as many rounds as it takes to see what stays behind; use with `with`."""

    def __init__(self) -> None:
        self._unhandled: list[str] = []
        self._port = self._tasks = 0
        self._runner = asyncio.Runner()
        self._offer = ""

    def __enter__(self) -> Self:
        logging.disable(logging.CRITICAL)  # the server's, which tells of every request that is none
        self._runner.get_loop().set_exception_handler(
            lambda _, context: self._unhandled.append(f"{context['message']}: {context.get('exception')!r}")
        )
        self._runner.run(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._server.stop())
        self._runner.close()
        logging.disable(logging.NOTSET)

    def fuzz(self, requests: int, seed: int) -> Fuzzed:
        """Mutated requests, each on a connection of its own; it has to be well after them, and all calls over."""
        found = Fuzzed()
        self._runner.run(self._fuzz(requests, random.Random(seed), found))
        return found

    async def _begin(self) -> None:
        self._offer = await _offer()
        profile = Profile.model_validate({"replies": ["reply_yes"]})
        self._server = EmulatorServer(load_service(find_corpus("english"), profile))
        self._port = await self._server.start("127.0.0.1", 0)
        await self._server.prepare(["opus"])
        self._tasks = len(asyncio.all_tasks())

    async def _fuzz(self, requests: int, rng: random.Random, found: Fuzzed) -> None:
        while found.messages < requests:
            batch = [
                mutated_request(self._offer, rng) for _ in range(min(AT_ONCE, requests - found.messages))
            ]
            await asyncio.gather(*(self._take(request, found) for request in batch))
            found.messages += len(batch)
        deadline = time.monotonic() + LEFT_S
        while (left := len(asyncio.all_tasks()) - self._tasks) > 0 and time.monotonic() < deadline:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.05)
        if left > 0 or self._server._sessions_open():
            found.broken.append(f"{left} tasks and {self._server._sessions_open()} sessions are left")
        if b" 101 " not in await _ask(self._port, UPGRADE):
            found.broken.append("the emulator takes no session any more")
        self._server._secrets = ClientSecrets()  # which live for minutes, as they are meant to
        found.broken += self._unhandled
        self._unhandled.clear()

    async def _take(self, request: bytes, found: Fuzzed) -> None:
        answer = await _ask(self._port, request)
        found.answered += bool(answer)
        found.outcomes[answer[9:12].decode(errors="replace")] += 1
        if b" 500 " in answer[:20]:
            found.broken.append(f"{request!r} is answered by {answer!r}")
        if called := re.search(rb"Location: \S*/(rtc_\w+)", answer):
            hang_up = _post(b"/v1/realtime/calls/%s/hangup" % called[1], b"text/plain", b"")
            over = await _ask(self._port, hang_up)
            found.sessions += 1
            if b" 200 " not in over[:20]:
                found.broken.append(f"a call cannot be hung up: {over!r}")
