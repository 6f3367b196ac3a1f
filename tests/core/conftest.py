"""A caller driven by hand against a scripted agent, and against the emulated session on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.core.client_events import ClientEvent, InputAudioAppend
from rtbench.core.codec import G711_MU
from rtbench.core.conversation import Conversation
from rtbench.core.machine import Disconnected, Outgoing
from rtbench.core.microphone import PlayClip, StartMicrophone
from rtbench.core.response_events import AudioDelta, AudioDone, ResponseCreated, ResponseDone
from rtbench.core.rtp import Media
from rtbench.core.script import Clip, Script, Step
from rtbench.core.server_events import (
    ErrorDetail,
    ErrorReceived,
    ItemTruncated,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
)
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.corpus.frames import FrameCache
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.recording import Recording
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.voice import Voice
from rtbench.transports.memory import Timer, VirtualClock
from rtbench.transports.webrtc.rtp import RtpPacket

MS = 1_000_000
FRAME_MS = 40
READY_MS = 300


class Agent:
    """What a service says, as events. Its voice is a tone of 1 kHz at -21 dBFS from the first sample on."""

    started = SpeechStarted(item_id="u", audio_start_ms=0)
    stopped = SpeechStopped(item_id="u", audio_end_ms=0)

    @staticmethod
    def created(response_id: str = "r1") -> ResponseCreated:
        return ResponseCreated(response={"id": response_id})

    @staticmethod
    def audio(
        duration_ms: int, response_id: str = "r1", item_id: str = "i1", *, silent: bool = False
    ) -> AudioDelta:
        samples = np.round(4_000 * np.sin(2 * np.pi * np.arange(24 * duration_ms) / 24)).astype(np.int16)
        data = pcm.encode(samples * (not silent), PCM16)
        return AudioDelta(
            response_id=response_id, item_id=item_id, output_index=0, content_index=0, delta=Audio(data)
        )

    @staticmethod
    def audio_done(response_id: str = "r1") -> AudioDone:
        return AudioDone(response_id=response_id, item_id="i1", output_index=0, content_index=0)

    @staticmethod
    def done(response_id: str = "r1", status: str = "completed", **details: Any) -> ResponseDone:
        return ResponseDone(response={"id": response_id, "status": status, "status_details": details or None})

    @classmethod
    def cancelled(cls, response_id: str = "r1", reason: str = "turn_detected") -> ResponseDone:
        return cls.done(response_id, "cancelled", reason=reason)

    @staticmethod
    def truncated(item_id: str = "i1", audio_end_ms: int = 0) -> ItemTruncated:
        return ItemTruncated(item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)

    @staticmethod
    def refused(event_id: str | None, code: str | None = "invalid_value") -> ErrorReceived:
        detail = ErrorDetail(type="invalid_request_error", message="No.", code=code, event_id=event_id)
        return ErrorReceived(error=detail)


class G711Decoder:
    """Decodes mu-law, and counts what it was asked for."""

    rate_hz = 8_000

    def __init__(self) -> None:
        self.decoded = 0

    def decode(self, payload: bytes) -> pcm.Samples:
        self.decoded += 1
        return pcm.decode(payload, PCMU)

    def gap(self) -> None:
        """A byte of G.711 stands for itself."""


class Speaker:
    """Makes RTP packets of 20 ms in G.711, a tone or silence, about to wrap in sequence and timestamp."""

    def __init__(self) -> None:
        self.decoders: list[G711Decoder] = []
        self.media = Media(G711_MU, self._new_decoder)
        self._sequence = 65_530
        self._timestamp = (1 << 32) - 320
        tone = np.round(4_000 * np.sin(2 * np.pi * np.arange(160) / 8)).astype(np.int16)
        self._tone = pcm.encode(tone, PCMU)

    @property
    def decoded(self) -> int:
        """Packets decoded so far."""
        return sum(decoder.decoded for decoder in self.decoders)

    def packet(self, *, silent: bool = False, marker: bool = False) -> RtpPacket:
        payload = pcm.silence(PCMU, 160) if silent else self._tone
        packet = RtpPacket(self._sequence, self._timestamp, marker, 0, 1, payload)
        self.lose(1)
        return packet

    def lose(self, packets: int) -> None:
        """These never come."""
        self._sequence = (self._sequence + packets) % (1 << 16)
        self._timestamp = (self._timestamp + 160 * packets) % (1 << 32)

    def _new_decoder(self) -> G711Decoder:
        self.decoders.append(G711Decoder())
        return self.decoders[-1]


class HandDrivenCaller:
    """A conversation whose events come by hand, in milliseconds; ready to talk at 300 ms."""

    ready_ms = READY_MS

    def __init__(self, *steps: Step, **script: Any) -> None:
        self.machine = Conversation(Script(steps, **script), frame_ns=FRAME_MS * MS)
        self.sent: list[Outgoing] = []
        self.turns: list[Turn] = []
        self.stimuli: list[Stimulus] = []
        self.machine.start(0)
        self.hear(200, SessionCreated(session={"id": "sess_1"}))
        self.hear(READY_MS, SessionUpdated(session={}))

    def hear(self, ms: float, *events: Any) -> None:
        """Events that arrive at one instant, with all that was due before."""
        self.sleep_until(ms)
        for event in events:
            self.machine.receive(event, round(ms * MS))
            self._drain(round(ms * MS))

    def hear_packets(
        self, ms: float, speaker: Speaker, count: int, *, silent: bool = False, marker: bool = False
    ) -> float:
        """Packets on time, one every 20 ms from here on, the first one marked or not; when the next one would come."""
        for number in range(count):
            at_ms = ms + 20 * number
            self.sleep_until(at_ms)
            self.machine.hear(speaker.packet(silent=silent, marker=marker and not number), round(at_ms * MS))
            self._drain(round(at_ms * MS))
        return ms + 20 * count

    def wake(self, ms: float) -> None:
        self.machine.wake(round(ms * MS))
        self._drain(round(ms * MS))

    def sleep_until(self, ms: float) -> None:
        """Wake whenever asked for, up to this instant; each wake has to bring the machine on."""
        while (wake_ns := self.machine.next_wake()) is not None and wake_ns <= ms * MS:
            self.machine.wake(wake_ns)
            self._drain(wake_ns)
            after_ns = self.machine.next_wake()
            assert after_ns is None or after_ns > wake_ns, "a busy loop"

    def stop(self, ms: float) -> None:
        self.sleep_until(ms)
        self.machine.stop(round(ms * MS))
        self._drain(round(ms * MS))

    def abort(self, ms: float) -> None:
        self.sleep_until(ms)
        self.machine.abort(round(ms * MS))
        self._drain(round(ms * MS))

    def hang_up(self, ms: float) -> None:
        self.hear(ms, Disconnected(1006, "gone"))

    @property
    def wake_ms(self) -> float | None:
        wake_ns = self.machine.next_wake()
        return None if wake_ns is None else wake_ns / MS

    @property
    def outcome(self) -> str | None:
        return self.machine.outcome

    @property
    def outcomes(self) -> list[str]:
        return [turn.outcome for turn in self.turns]

    @property
    def clips(self) -> list[tuple[str, float]]:
        """Clips that were played, each with the instant of its first sample."""
        return [(event.clip.name, event.at_ns / MS) for event in self.sent_events(PlayClip)]

    def sent_events(self, *kinds: type) -> list[Any]:
        return [out.event for out in self.sent if isinstance(out.event, kinds or (ClientEvent,))]

    def _drain(self, now: int) -> None:
        for outgoing in self.machine.outgoing():
            assert outgoing.due_ns <= now
            self.sent.append(outgoing)
            self.machine.sent(outgoing.event, now)
        self.turns += self.machine.finished_turns()
        self.stimuli += self.machine.finished_stimuli()


class Duplex:
    """A conversation and an emulated session, joined by a line of this delay on a virtual clock.

    Events go over as they are, without a codec; the microphone sends every frame at its end.
    """

    def __init__(self, script: Script, service: Service, frames: FrameCache, delay_ms: float = 0) -> None:
        self.clock = VirtualClock(now=5_000 * MS)
        self.caller = Conversation(script, frame_ns=FRAME_MS * MS, phase_ns=13 * MS)
        self.agent = EmulatedSession(service, model="m", token="0", number=0, expires_at=0)
        self.turns: list[Turn] = []
        self.stimuli: list[Stimulus] = []
        self._format = script.session.input_format
        self._frames = frames
        self._silence = frames.silence(self._format, FRAME_MS)
        self._delay_ns = round(delay_ms * MS)
        self._clips: dict[int, Audio] = {}
        self._frames_sent = 0
        self._microphone_on = False
        self._alarms: dict[object, Timer] = {}

    def hold(self) -> dict[str, TruthRow]:
        """Talk to the end; the truth about each response."""
        for machine in (self.agent, self.caller):
            machine.start(self.clock.now)
            self._settle(machine)
        while self.caller.outcome is None and self.clock.run_next():
            pass
        self.agent.receive(Disconnected(1000), self.clock.now)
        return {row.response_id: row for row in self.agent.truth_rows()}

    def _settle(self, machine: Conversation | EmulatedSession) -> None:
        for event, _ in machine.outgoing():
            self._dispatch(machine, event)
        if machine is self.caller:
            self.turns += self.caller.finished_turns()
            self.stimuli += self.caller.finished_stimuli()
        self._arm(machine)

    def _dispatch(self, machine: Conversation | EmulatedSession, event: Any) -> None:
        if isinstance(event, StartMicrophone):
            self._microphone_on = True
            self.clock.call_at(event.at_ns + FRAME_MS * MS, self._tick)
        elif isinstance(event, PlayClip):
            first = (event.at_ns - self.caller.grid.start_ns) // (FRAME_MS * MS)
            found = self._frames.frames(event.clip.name, self._format, FRAME_MS, gain_db=event.gain_db)
            self._clips |= enumerate(found, first)
        else:
            if machine is self.caller and self._microphone_on:
                self._send_frames()
            self._post(self.agent if machine is self.caller else self.caller, event)
            machine.sent(event, self.clock.now)

    def _post(self, machine: Conversation | EmulatedSession, event: Any) -> None:
        def arrive() -> None:
            machine.receive(event, self.clock.now)
            self._settle(machine)

        self.clock.call_at(self.clock.now + self._delay_ns, arrive)

    def _arm(self, machine: Conversation | EmulatedSession) -> None:
        wake_ns, alarm = machine.next_wake(), self._alarms.get(machine)
        if wake_ns is None or (alarm is not None and not alarm.cancelled and alarm.due_ns <= wake_ns):
            return
        if alarm is not None:
            alarm.cancel()

        def ring() -> None:
            machine.wake(self.clock.now)
            self._settle(machine)

        self._alarms[machine] = self.clock.call_at(wake_ns, ring)

    def _tick(self) -> None:
        self._send_frames()
        self.clock.call_at(self._frame_due_ns, self._tick)

    @property
    def _frame_due_ns(self) -> int:
        return self.caller.grid.start_ns + (self._frames_sent + 1) * FRAME_MS * MS

    def _send_frames(self) -> None:
        while self._frame_due_ns <= self.clock.now:
            silence = self._silence[self._frames_sent % len(self._silence)]
            audio = self._clips.pop(self._frames_sent, silence)
            self._frames_sent += 1
            self._post(self.agent, InputAudioAppend(audio=audio))


@pytest.fixture(scope="session")
def agent() -> type[Agent]:
    """Builds a service's events."""
    return Agent


@pytest.fixture(scope="session")
def caller() -> type[HandDrivenCaller]:
    """Makes callers, `caller(*steps, **script)`, who are ready to talk."""
    return HandDrivenCaller


@pytest.fixture
def speaker() -> Speaker:
    """A service's voice over RTP."""
    return Speaker()


@pytest.fixture(scope="session")
def hello() -> Clip:
    """A second, of which 100 to 850 ms are speech."""
    return Clip("hello", 1_000 * MS, speech_start_ns=100 * MS, speech_end_ns=850 * MS)


@pytest.fixture(scope="session")
def wait() -> Clip:
    """An interruption of 700 ms, of which 40 to 640 ms are speech."""
    return Clip("wait", 700 * MS, speech_start_ns=40 * MS, speech_end_ns=640 * MS, role="interruption")


@pytest.fixture(scope="session")
def cough() -> Clip:
    """300 ms, of which 20 to 220 ms are sound."""
    return Clip("cough", 300 * MS, speech_start_ns=20 * MS, speech_end_ns=220 * MS, role="cough")


@pytest.fixture(scope="session")
def english() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="session")
def converse(english: Corpus) -> Callable[..., Duplex]:
    """`converse(script, *replies, knows=(...), delay_ms=0, **profile)`: held against a service that says these clips."""
    frames = FrameCache(english)

    def recording(name: str) -> Recording:
        entry = english.entry(name)
        return Recording(name, entry.text, (), {24_000: english.samples(name)})

    def hold(
        script: Script, *replies: str, knows: tuple[str, ...] = (), delay_ms: float = 0, **profile: Any
    ) -> Duplex:
        read = Profile.model_validate(profile)
        voice = Voice([recording(name) for name in replies], read.chunk_ms)
        service = Service(read, voice, Recognizer([recording(name) for name in knows]))
        duplex = Duplex(script, service, frames, delay_ms)
        duplex.truth = duplex.hold()
        return duplex

    return hold
