"""A corpus and scenarios to be played, and a scripted service on loopback to play them to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from rtbench.clock import unix_offset_ns
from rtbench.core import client_events as c
from rtbench.core import response_events as r
from rtbench.core import server_events as s
from rtbench.core.audio import PCM16, Audio
from rtbench.core.script import Script
from rtbench.corpus.manifest import Role
from rtbench.corpus.writer import NewClip, write_corpus
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.engine.alarm import Alarm, AlarmClock
from rtbench.engine.call import Call, Surroundings
from rtbench.engine.darkroom import Darkroom
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.messages import Configure
from rtbench.engine.plan import Plan
from rtbench.engine.rows import RowKeys
from rtbench.engine.target import Target
from rtbench.engine.trace import Trace
from rtbench.results.run_directory import RunDirectory
from rtbench.transports.websocket import Refusal, serve

SEED = 3
SCENARIO = """\
name: pushed
corpus: tones
frame: 20 ms
think_time: 0 ms
answer_timeout: 5 s
session: {turn_detection: none}
conversation:
  - repeat:
      times: 2
      steps:
        - say: {role: question}
        - listen
"""


def tone(length_ms: int) -> np.ndarray:
    """A beep with 20 ms of silence on either side."""
    beep = 8_000 * np.sin(np.arange(length_ms * 24) / 10)
    edge = np.zeros(20 * 24)
    return np.concatenate((edge, beep, edge)).astype(np.int16)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory) -> Path:
    """A corpus of two short questions, an answer, and room tone."""
    folder = tmp_path_factory.mktemp("corpora") / "tones"
    clips = [
        NewClip("question_a", Role.QUESTION, "voice a", "is it open", "CC0-1.0", tone(120)),
        NewClip("question_b", Role.QUESTION, "voice b", "is it far", "CC0-1.0", tone(160)),
        NewClip("reply_a", Role.REPLY, "voice c", "yes it is", "CC0-1.0", tone(200)),
        NewClip("room", Role.SILENCE, "none", "", "CC0-1.0", np.full(60 * 24, 3, np.int16)),
    ]
    write_corpus(folder, "tones", "en", PCM16.rate_hz, clips)
    return folder


@pytest.fixture(scope="session")
def scenario_file(corpus_folder, tmp_path_factory) -> Callable[..., Path]:
    """Writes the usual scenario, two short turns by hand, with replacements of (old, new) text."""

    def write(*replacements: tuple[str, str], name: str = "scenario.yaml") -> Path:
        text = SCENARIO.replace("corpus: tones", f"corpus: {corpus_folder}")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path_factory.mktemp("scenarios") / name
        path.write_text(text)
        return path

    return write


class ServedSession:
    """One caller at the scripted service."""

    def __init__(self, service: ScriptedService, connection) -> None:
        self.service = service
        self.connection = connection
        self.codec = OPENAI_GA.server_codec()
        self.heard: list[object] = []
        self.audio = bytearray()
        self.close: tuple[int, str] | None = None
        service.welcome(self)

    def say(self, *events: s.ServerEvent) -> None:
        for event in events:
            self.connection.send(self.codec.encode(event))

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        event = self.codec.decode(message)
        self.heard.append(event)
        match event:
            case c.SessionUpdate():
                self.say(s.SessionUpdated(session={"id": "sess"}))
            case c.InputAudioAppend():
                self.audio += event.audio.data
            case c.ResponseCreate():
                self.service.asked.set()
                self.service.answer(self)

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.close = (code, reason)

    @property
    def responses(self) -> int:
        """Responses that were asked for."""
        return sum(isinstance(event, c.ResponseCreate) for event in self.heard)


def ids(session: ServedSession) -> dict:
    number = session.responses
    return {
        "response_id": f"resp_{number}",
        "item_id": f"item_{number}",
        "output_index": 0,
        "content_index": 0,
    }


def greet(session: ServedSession) -> None:
    session.say(s.SessionCreated(session={"id": f"sess_{len(session.service.sessions)}"}))


def begin_answer(session: ServedSession) -> None:
    """Announce a response, and send its first 120 ms of sound."""
    session.say(
        r.ResponseCreated(response={"id": ids(session)["response_id"]}),
        r.AudioDelta(**ids(session), delta=Audio(tone(80).tobytes())),
    )


def end_answer(session: ServedSession) -> None:
    session.say(
        r.AudioDone(**ids(session)),
        r.ResponseDone(response={"id": ids(session)["response_id"], "status": "completed"}),
    )


def answer_at_once(session: ServedSession) -> None:
    begin_answer(session)
    end_answer(session)


class ScriptedService:
    """What the service does is what its attributes say; `sessions` are those that came."""

    def __init__(self) -> None:
        self.refusal: Refusal | None = None
        self.welcome: Callable[[ServedSession], None] = greet
        self.answer: Callable[[ServedSession], None] = answer_at_once
        self.sessions: list[ServedSession] = []
        self.requests: list[tuple[str, str]] = []
        self.asked = asyncio.Event()
        """Set when a response was asked for."""

        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def accept(self, path: str, headers):
        self.requests.append((path, headers.get("Authorization", "")))
        return self.refusal or self._begin

    def _begin(self, connection) -> ServedSession:
        session = ServedSession(self, connection)
        self.sessions.append(session)
        return session


@pytest.fixture(scope="session")
def served() -> Callable[[], object]:
    """`async with served() as service`: a scripted service for as long as the block lasts."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[ScriptedService]:
        service = ScriptedService()
        server = await serve(service.accept)
        service.port = server.port
        try:
            yield service
        finally:
            await server.close()

    return begin


@pytest.fixture
def silent_port() -> Callable[[], object]:
    """`async with silent_port() as url`: a port that takes connections and never says a word."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[str]:
        writers: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for writer in writers:
                writer.transport.abort()
            await server.wait_closed()
            await asyncio.sleep(0)

    return begin


@pytest.fixture
def refused_url() -> str:
    """The URL of a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., Configure]:
    """An engine's settings: a target, where the run is kept, and its scenarios."""

    def make(url: str, run_directory: Path, *scenarios: Path) -> Configure:
        return Configure(
            worker="w4",
            scenarios=[str(path) for path in scenarios],
            target=url,
            dialect="openai_ga",
            transport="",
            run_directory=str(run_directory),
        )

    return make


class Rows:
    """What calls emitted, in order."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict]] = []

    def emit(self, table: str, row: dict) -> None:
        self.all.append((table, row))

    def of(self, table: str) -> list[dict]:
        return [row for name, row in self.all if name == table]

    @property
    def session(self) -> dict:
        (row,) = self.of("sessions")
        return row


class Caller:
    """Makes calls in the running loop, and gives back what they need when closed."""

    def __init__(self, path, directory: RunDirectory) -> None:
        self.rows = Rows()
        self._path = path
        self._alarms = AlarmClock(asyncio.get_running_loop())
        self._trace = Trace(directory.trace, "w0", OPENAI_GA.wire_type, keep_words=False)
        self.directory = directory
        self.around = Surroundings(
            alarms=self._alarms,
            lateness=LatenessLog(),
            unix_offset_ns=unix_offset_ns(),
            sessions_alive=lambda: 1,
            emit=self.rows.emit,
            darkroom=Darkroom(),
        )

    def call(self, url: str, phase_ns: int = 0) -> Call:
        self.plan = Plan(self._path, Target(url))
        keys = RowKeys("w0", "w0-000001", user=0, iteration=0, scenario="pushed", transport="websocket")
        trace = self._trace.session(keys.session)
        return Call(self.around, self.plan, keys, SEED, phase_ns, trace)

    @property
    def script(self) -> Script:
        """What the last call was to say."""
        return self.plan.script(SEED)

    def close(self) -> None:
        self._alarms.close()
        assert self._trace.close() == ""


@pytest.fixture(scope="session")
def caller_at() -> type[Caller]:
    """`caller_at(scenario, directory)`: makes calls in the running loop; `close()` it in the end."""
    return Caller


@pytest.fixture(scope="module")
def play(served, scenario_file, tmp_path_factory):
    """Runs `scene(service, caller)` with a scripted service; the rows, and the service, are its result."""

    def run(scene):
        async def stage():
            async with served() as service, asyncio.timeout(30):
                caller = Caller(scenario_file(), RunDirectory(tmp_path_factory.mktemp("run")))
                try:
                    await scene(service, caller)
                finally:
                    caller.close()
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return caller.rows, service

        return asyncio.run(stage())

    return run


@pytest.fixture
def hold(play):
    """Holds one call to its end against a service that `prepare(service)` made ready."""

    def run(prepare):
        async def scene(service, caller) -> None:
            prepare(service)
            await caller.call(service.url).hold()

        return play(scene)

    return run


@pytest.fixture
def begin_answer_only() -> Callable[[ServedSession], None]:
    """An answer that starts and is never finished."""
    return begin_answer


@pytest.fixture
def answer() -> Callable[[ServedSession], None]:
    """An answer of 120 ms, all at once."""
    return answer_at_once


class HandClock:
    """An alarm clock that rings when the test says what time it is; `now` is read in the place of the machine's clock."""

    def __init__(self) -> None:
        self.now = 0
        self.pending: list[Alarm] = []

    def call_at(self, at_ns: int, callback: Callable[[int], None]) -> Alarm:
        alarm = Alarm(at_ns, callback)
        self.pending.append(alarm)
        return alarm

    def advance_to(self, now: int) -> None:
        """Let every alarm ring on time up to this instant."""
        while due := [alarm for alarm in self.pending if alarm.at_ns <= now]:
            first = min(due, key=lambda alarm: alarm.at_ns)
            self.now = max(self.now, first.at_ns)
            self.pending.remove(first)
            first.ring(self.now)
        self.now = now

    def advance(self, elapsed_ns: int) -> None:
        self.advance_to(self.now + elapsed_ns)

    def stall_until(self, now: int) -> None:
        """Nothing rings until this instant, and then all that was due."""
        self.now = now
        self.advance_to(now)


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()
