"""A session under test on virtual time: a caller who speaks tones, and a service with short replies."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMU, Audio, AudioFormat
from rtbench.core.client_events import InputAudioAppend, SessionUpdate
from rtbench.core.codec import G711_MU, AudioCodec
from rtbench.core.machine import Disconnected
from rtbench.core.pcm import Samples
from rtbench.core.server_events import ErrorReceived, ServerEvent
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.line import Line
from rtbench.emulator.packet_voice import PacketVoice
from rtbench.emulator.playout import FallSilent, SpeakPackets
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.recording import Recording
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.voice import Voice

MS = 1_000_000
FRAME_MS = 20


def tone(duration_ms: float, rate_hz: int = 24_000, frequency_hz: float = 440.0) -> Samples:
    """A sine at -15 dBFS."""
    count = round(rate_hz * duration_ms / 1000)
    wave = 0.25 * np.sin(2 * math.pi * frequency_hz * np.arange(count) / rate_hz)
    return (wave * 32_767).astype(np.int16)


def recording(name: str, text: str, *parts_ms: int) -> Recording:
    """Tones and silences in turn, beginning with a silence."""
    signals, spans, at = {}, [], 0
    for rate in (24_000, 8_000):
        pieces = [
            tone(ms, rate) if index % 2 else np.zeros(rate * ms // 1000, np.int16)
            for index, ms in enumerate(parts_ms)
        ]
        signals[rate] = np.concatenate(pieces)
    for index, ms in enumerate(parts_ms):
        if index % 2:
            spans.append((at * MS, (at + ms) * MS))
        at += ms
    return Recording(name, text, tuple(spans), signals)


def mu_law_packets(samples: Samples, rate_hz: int, codec: AudioCodec = G711_MU) -> tuple[bytes, ...]:
    """Packets of 20 ms, the last one filled up."""
    assert rate_hz == codec.rate_hz and codec.fmt is not None
    data = pcm.encode(samples, codec.fmt)
    data += pcm.silence(codec.fmt, -len(data) % codec.packet_samples)
    return tuple(data[at : at + codec.packet_samples] for at in range(0, len(data), codec.packet_samples))


class MuLawDecoder:
    """See `core.codec.PacketDecoder`."""

    rate_hz = 8_000

    def __init__(self) -> None:
        self.gaps = 0

    def decode(self, payload: bytes) -> Samples:
        return pcm.decode(payload, PCMU)

    def gap(self) -> None:
        self.gaps += 1


class Caller:
    """Drives one session by hand, in the order that a shell keeps, and checks every event with the strict oracle."""

    def __init__(self, machine: EmulatedSession, strict: ModuleType) -> None:
        self.machine = machine
        self.now = 1_000 * MS
        self.events: list[ServerEvent] = []
        self.messages: list[dict[str, Any]] = []
        self.instants: list[int] = []
        self.dues: list[int] = []
        self.orders: list[SpeakPackets | FallSilent] = []
        """What the shell of a WebRTC call is told."""

        self._strict = strict
        self._codec = OPENAI_GA.server_codec()
        self._read = 0
        machine.start(self.now)
        self._drain()

    @property
    def now_ms(self) -> float:
        return self.now / MS

    def send(self, event: Any) -> list[ServerEvent]:
        """Send one event; what is answered at once."""
        self.machine.receive(event, self.now)
        return self._drain()

    def update(self, **session: Any) -> list[ServerEvent]:
        return self.send(SessionUpdate(session={"type": "realtime", **session}))

    def detect(self, **turn_detection: Any) -> None:
        """Use `server_vad` with these settings."""
        self.update(audio={"input": {"turn_detection": {"type": "server_vad", **turn_detection}}})

    def by_hand(self) -> None:
        self.update(audio={"input": {"turn_detection": None}})

    def speak(self, duration_ms: int, fmt: AudioFormat = PCM16) -> None:
        self._play(tone(duration_ms, fmt.rate_hz), fmt)

    def pause(self, duration_ms: int, fmt: AudioFormat = PCM16) -> None:
        """The microphone sends silence."""
        self._play(np.zeros(fmt.rate_hz * duration_ms // 1000, np.int16), fmt)

    def play(self, samples: Samples, fmt: AudioFormat = PCM16) -> None:
        self._play(samples, fmt)

    def wait(self, duration_ms: float) -> None:
        """Time passes without audio."""
        end = self.now + round(duration_ms * MS)
        while (wake := self.machine.next_wake()) is not None and wake <= end:
            self.now = max(self.now, wake)
            self.machine.wake(self.now)
            self._drain()
        self.now = end

    def hang_up(self) -> list[TruthRow]:
        """The connection ends; the truth about every response that was not taken before."""
        self.send(Disconnected())
        return self.machine.truth_rows()

    def take(self) -> list[ServerEvent]:
        """Events since the last call."""
        taken = self.events[self._read :]
        self._read = len(self.events)
        return taken

    def of(self, kind: type[ServerEvent]) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    def types(self) -> list[str]:
        """Wire types since the last `take`, runs of one type counted once; taken with this."""
        named: list[str] = []
        for message in self.messages[self._read :]:
            if not named or named[-1] != message["type"]:
                named.append(message["type"])
        self._read = len(self.events)
        return named

    def instants_ms(self, kind: type[ServerEvent]) -> list[float]:
        """When the events of this kind left."""
        pairs = zip(self.events, self.instants, strict=True)
        return [instant / MS for event, instant in pairs if type(event) is kind]

    def instant_ms(self, event: ServerEvent) -> float:
        """When an event left."""
        return self.instants[next(i for i, seen in enumerate(self.events) if seen is event)] / MS

    def errors(self) -> list[tuple[str | None, str | None]]:
        return [(event.error.code, event.error.param) for event in self.of(ErrorReceived)]

    def _play(self, samples: Samples, fmt: AudioFormat) -> None:
        frame = fmt.rate_hz * FRAME_MS // 1000
        for at in range(0, len(samples), frame):
            self.wait(FRAME_MS)
            piece = samples[at : at + frame]
            self.send(InputAudioAppend(audio=Audio(pcm.encode(piece, fmt))))

    def _drain(self) -> list[ServerEvent]:
        new = []
        for event, due_ns in self.machine.outgoing():
            if isinstance(event, SpeakPackets | FallSilent):
                self.orders.append(event)
                continue
            self.machine.sent(event, self.now)
            message = json.loads(self._codec.encode(event))
            self._strict.parse_server_event(message)
            new.append(event)
            self.messages.append(message)
            self.instants.append(self.now)
            self.dues.append(due_ns)
        self.events += new
        return new


@pytest.fixture(scope="session")
def make_tone() -> Callable[..., Samples]:
    """`make_tone(duration_ms, rate_hz)`: a sine at -15 dBFS."""
    return tone


@pytest.fixture(scope="session")
def make_recording() -> Callable[..., Recording]:
    """`make_recording(name, text, silence_ms, tone_ms, silence_ms, ...)`."""
    return recording


@pytest.fixture(scope="session")
def reply() -> Recording:
    """800 ms: 40 ms of silence, 700 ms of sound, 60 ms of silence."""
    return recording("reply", "one two three four", 40, 700, 60)


@pytest.fixture(scope="session")
def make_service(reply: Recording) -> Callable[..., Service]:
    """A service with one reply; keys of a profile as arguments, and the recordings that it understands."""

    def make(known: Sequence[Recording] = (), **settings: Any) -> Service:
        profile = Profile.model_validate({"pace": "2x", **settings})
        return Service(profile, Voice([reply], profile.chunk_ms), Recognizer(known))

    return make


def mu_law_voice(replies: Sequence[Recording], chunk_ms: int) -> PacketVoice:
    return PacketVoice(tuple(replies), chunk_ms, G711_MU, mu_law_packets, MuLawDecoder)


@pytest.fixture(scope="session")
def make_packet_voice() -> Callable[..., PacketVoice]:
    """`make_packet_voice(replies, chunk_ms)`: a voice in mu-law packets."""
    return mu_law_voice


@pytest.fixture
def mu_law_decoder() -> MuLawDecoder:
    return MuLawDecoder()


@pytest.fixture
def call(make_service: Callable[..., Service], openai_strict: ModuleType) -> Callable[..., Caller]:
    """Open a session with a service of these settings; `session.created` has been taken.

    With `webrtc` its line is mu-law: `speak(ms, PCMU)`.
    """

    def open_call(
        known: Sequence[Recording] = (), number: int = 1, webrtc: bool = False, **settings: Any
    ) -> Caller:
        service = make_service(known, **settings)
        line = None
        if webrtc:
            voice = mu_law_voice(service.voice.replies, service.profile.chunk_ms)
            line = Line(PCMU, voice, MuLawDecoder)
        machine = EmulatedSession(
            service,
            model="gpt-realtime",
            token=f"t{number}",
            number=number,
            expires_at=1_800_000_000,
            line=line,
        )
        caller = Caller(machine, openai_strict)
        caller.take()
        return caller

    return open_call
