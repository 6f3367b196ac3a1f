"""The `openai` package and stock aiortc as a client over WebRTC: keys, offers, a spoken turn, and hanging up."""

from __future__ import annotations

import asyncio
import json
import time
from fractions import Fraction

import aioice.ice
import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, NotFoundError
from openai.types.realtime import ClientSecretCreateResponse

from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer

LIMIT_S = 20
MODEL = "gpt-realtime"
SESSION = {"type": "realtime", "model": MODEL, "instructions": "Be brief."}
LOUD = 1_000
"""Of 32,768: far above what a codec makes of silence."""


@pytest.fixture(autouse=True)
def loopback(monkeypatch):
    """aioice offers every address but that of loopback: here it is the only one."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="module")
def service(corpus):
    profile = {"response_delay": "20 ms", "transcription_delay": "0 ms", "replies": ["reply_yes"]}
    return load_service(corpus.folder, Profile.model_validate(profile))


@pytest.fixture
def serving(service):
    """Run `client(openai)` with the package's client of a server of its own."""

    def run(client) -> None:
        async def main() -> None:
            server = EmulatorServer(service, key="sk-mine")
            port = await server.start("127.0.0.1", 0)
            await server.prepare(["opus"])
            try:
                async with (
                    asyncio.timeout(LIMIT_S),
                    AsyncOpenAI(
                        api_key="sk-mine", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
                    ) as openai,
                ):
                    await client(openai)
            finally:
                await server.stop()

        asyncio.run(main())

    return run


class Microphone(MediaStreamTrack):
    """Plays samples at 24 kHz in real time, then silence."""

    kind = "audio"
    FRAME = 480

    def __init__(self, samples: np.ndarray) -> None:
        super().__init__()
        self._samples = samples
        self._at = 0
        self._began_s: float | None = None

    async def recv(self) -> av.AudioFrame:
        self._began_s = self._began_s or time.monotonic()
        await asyncio.sleep(max(0.0, self._began_s + self._at / 24_000 - time.monotonic()))
        piece = self._samples[self._at : self._at + self.FRAME]
        piece = np.pad(piece, (0, self.FRAME - len(piece)))
        frame = av.AudioFrame.from_ndarray(piece.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 24_000, self._at, Fraction(1, 24_000)
        self._at += self.FRAME
        return frame


class StockPeer:
    """aiortc as an application uses it."""

    def __init__(self, samples: np.ndarray, mime: str, parse) -> None:
        self.events: list[dict] = []
        self.loud_frames = 0
        self._parse = parse
        self._news = asyncio.Event()
        self._listening: list[asyncio.Task] = []
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTrack(Microphone(samples))
        [transceiver] = self.connection.getTransceivers()
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == mime])
        self.channel = self.connection.createDataChannel("oai-events")
        self.channel.on("message", self._hear_event)
        self.connection.on("track", self._listen)
        self.connection.on("connectionstatechange", self._news.set)

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def until(self, happened) -> None:
        while not happened():
            self._news.clear()
            await self._news.wait()

    async def event(self, kind: str) -> dict:
        await self.until(lambda: kind in self.types())
        return next(event for event in self.events if event["type"] == kind)

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def close(self) -> None:
        await self.connection.close()
        await asyncio.gather(*self._listening)

    def _hear_event(self, message: str) -> None:
        self.events.append(json.loads(message))
        self._parse(self.events[-1])
        self._news.set()

    def _listen(self, track) -> None:
        async def listen() -> None:
            with pytest.raises(MediaStreamError):
                while True:
                    frame = await track.recv()
                    self.loud_frames += int(np.abs(frame.to_ndarray()).max() > LOUD)
                    self._news.set()

        self._listening.append(asyncio.create_task(listen()))


@pytest.fixture
def utterance(corpus) -> np.ndarray:
    return np.concatenate([np.zeros(4_800, np.int16), corpus.samples("yes_please_awb")])


def test_a_client_secret_opens_calls_and_carries_its_session(serving, utterance, openai_strict, corpus):
    async def client(openai: AsyncOpenAI) -> None:
        expiry = {"anchor": "created_at", "seconds": 60}
        secret = await openai.realtime.client_secrets.create(session=SESSION, expires_after=expiry)
        ClientSecretCreateResponse.model_validate(secret.model_dump(), strict=True)
        assert secret.value.startswith("ek_")
        assert secret.session.instructions == "Be brief."
        assert 55 < secret.expires_at - time.time() <= 60

        peer = StockPeer(utterance, "audio/opus", openai_strict.parse_server_event)
        browser = openai.copy(api_key=secret.value)
        answer = await browser.realtime.calls.create(sdp=await peer.offer())
        assert answer.response.status_code == 201
        await peer.take(answer.text)
        created = await peer.event("session.created")
        assert created["session"]["instructions"] == "Be brief."
        await peer.until(lambda: peer.loud_frames > 20)
        await peer.event("output_audio_buffer.started")
        assert "response.output_audio.delta" not in peer.types()

        call_id = answer.response.headers["Location"].rsplit("/", 1)[-1]
        async with openai.realtime.connect(call_id=call_id) as sideband:
            assert (await sideband.recv()).session.id == created["session"]["id"]
            await openai.realtime.calls.hangup(call_id)
            await peer.until(lambda: peer.connection.connectionState == "closed")
        await peer.close()

    serving(client)


@pytest.mark.parametrize("mime", ["audio/PCMU", "audio/PCMA"])
def test_a_key_opens_calls_with_a_session_of_their_own(serving, utterance, openai_strict, mime):
    async def client(openai: AsyncOpenAI) -> None:
        peer = StockPeer(utterance, mime, openai_strict.parse_server_event)
        audio = {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}}}
        answer = await openai.realtime.calls.create(
            sdp=await peer.offer(), session={**SESSION, "audio": audio}
        )
        await peer.take(answer.text)
        created = await peer.event("session.created")
        assert created["session"]["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 200
        await peer.until(lambda: peer.loud_frames > 20)
        await peer.close()

    serving(client)


def test_what_the_package_is_refused_it_understands(serving):
    async def client(openai: AsyncOpenAI) -> None:
        with pytest.raises(BadRequestError) as bad:
            await openai.realtime.calls.create(sdp="v=0", session=SESSION)
        assert bad.value.code == "invalid_offer"
        with pytest.raises(NotFoundError):
            await openai.realtime.calls.hangup("rtc_1")
        with pytest.raises(BadRequestError) as wrong:
            await openai.realtime.client_secrets.create(expires_after={"anchor": "created_at", "seconds": 1})
        assert (wrong.value.code, wrong.value.param) == ("integer_below_min_value", "expires_after.seconds")
        for key in ("sk-other", "ek_other"):
            with pytest.raises(AuthenticationError):
                await openai.copy(api_key=key).realtime.calls.create(sdp="v=0", session=SESSION)

    serving(client)
