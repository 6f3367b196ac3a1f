"""Answering: stock aiortc offers, and must be content with the answer."""

import asyncio
import fractions
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtbench.core import pcm
from rtbench.core.codec import CODECS, OPUS
from rtbench.transports.webrtc import SdpError, answer, decoder
from rtbench.transports.webrtc.certificate import process_certificate
from rtbench.transports.webrtc.description import LocalDescription, read, write


class Tone(MediaStreamTrack):
    """A sine of 440 Hz in frames of 20 ms, four times as fast as life."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self):
        await asyncio.sleep(0.005)
        times = (np.arange(480) + self._count * 480) / 24_000
        samples = np.rint(9_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 24_000, self._count * 480
        frame.time_base = fractions.Fraction(1, 24_000)
        self._count += 1
        return frame


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch) -> None:
    """Stock aiortc gathers no loopback candidates by itself."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@asynccontextmanager
async def stock():
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield connection
    finally:
        await connection.close()


async def offer_of(connection: RTCPeerConnection) -> str:
    await connection.setLocalDescription(await connection.createOffer())
    return connection.localDescription.sdp


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
@pytest.mark.parametrize("channel_first", [True, False])
def test_stock_aiortc_calls_speaks_and_is_told_goodbye(
    run, recorder, eventually, codec, channel_first
) -> None:
    async def steps() -> None:
        async with stock() as connection:
            await call(connection)

    async def call(connection) -> None:
        opened, messages = asyncio.Event(), asyncio.Queue()
        if not channel_first:
            connection.addTrack(Tone())
        channel = connection.createDataChannel("oai-events")
        channel.on("open", opened.set)
        channel.on("message", messages.put_nowait)
        if channel_first:
            connection.addTrack(Tone())
        made = []
        peer, sdp = await answer(
            await offer_of(connection),
            lambda peer: made.append(recorder(peer)) or made[-1],
            codecs=(codec.name,),
        )
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await asyncio.wait_for(opened.wait(), 10)
        await asyncio.wait_for(peer.established, 10)
        (heard,) = made
        assert peer.codec is codec

        channel.send("hello")
        peer.send(b"welcome")
        await heard.until(lambda it: it.messages == [b"hello"] and len(it.packets) >= 25)
        assert await asyncio.wait_for(messages.get(), 10) == "welcome"
        decode = decoder(codec).decode
        sound = np.concatenate([decode(packet.payload) for packet in heard.packets])
        wanted_dbfs = pcm.level_dbfs(np.rint(9_000 * np.sin(np.arange(24_000) / 10)).astype(np.int16))
        # Stock aiortc codes one channel as two, which libopus mixes at 3 dB less.
        allowed_db = 4.0 if codec is OPUS else 1.0
        assert abs(pcm.level_dbfs(sound[codec.rate_hz // 5 :]) - wanted_dbfs) < allowed_db

        peer.close()
        await peer.lost
        await eventually(lambda: connection.connectionState == "closed")

    run(steps())


def local_offer(**changes) -> str:
    return write(
        LocalDescription(
            **{
                "username": "user",
                "password": "p" * 22,
                "candidates": [],
                "fingerprint": process_certificate().fingerprint,
                "dtls_role": "auto",
                "payload_types": {codec.payload_type: codec for codec in CODECS.values()},
                "ssrc": 1,
                "cname": "x",
                **changes,
            }
        )
    )


async def answered(recorder, offer: str, **options):
    """The answer, read again; the peer is given up."""
    peer, sdp = await answer(offer, recorder, **options)
    peer.abort()
    await peer.lost
    return read(sdp)


@pytest.mark.parametrize(
    ("offered", "answer_role"), [("auto", "client"), ("server", "client"), ("client", "server")]
)
def test_the_dtls_role_fits_the_offers(run, recorder, offered, answer_role) -> None:
    async def steps() -> None:
        assert (await answered(recorder, local_offer(dtls_role=offered))).dtls_role == answer_role

    run(steps())


def test_the_answer_holds_what_was_offered_and_is_allowed_in_the_offers_order(run, recorder) -> None:
    backwards = {codec.payload_type: codec for codec in reversed(CODECS.values())}

    async def steps() -> None:
        remote = await answered(recorder, local_offer(payload_types=backwards), codecs=("opus", "pcma"))
        assert [codec.name for codec in remote.payload_types.values()] == ["pcma", "opus"]

    run(steps())


def test_candidates_are_in_the_answer_and_on_loopback_only(run, recorder) -> None:
    async def steps() -> None:
        remote = await answered(recorder, local_offer())
        assert {candidate.host for candidate in remote.candidates} == {"127.0.0.1"}

    run(steps())


def test_a_codec_that_is_not_allowed_is_refused(run, recorder) -> None:
    async def steps() -> None:
        with pytest.raises(SdpError, match="none of the codecs pcmu"):
            await answer(local_offer(payload_types={111: OPUS}), recorder, codecs=("pcmu",))
        with pytest.raises(SdpError, match="no audio section"):
            await answer("nonsense", recorder)

    run(steps())


def test_an_offer_without_a_channel_stands_when_dtls_does(run, recorder) -> None:
    async def steps() -> None:
        async with stock() as connection:
            await call(connection)

    async def call(connection) -> None:
        connection.addTrack(Tone())
        made = []
        peer, sdp = await answer(
            await offer_of(connection), lambda peer: made.append(recorder(peer)) or made[-1]
        )
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await asyncio.wait_for(peer.established, 10)
        await made[0].until(lambda heard: heard.packets)
        peer.send(b"nobody hears this")
        await connection.close()
        await made[0].until(lambda heard: heard.closes)
        assert made[0].closes == [(1000, "the peer said goodbye")]
        await peer.lost

    run(steps())
