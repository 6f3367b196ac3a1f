"""Opening a call: with our answerer and with stock aiortc on the other side, and every way in which it fails."""

import asyncio
import json

import numpy as np
import pytest
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtbench.core import pcm
from rtbench.core.codec import CODECS
from rtbench.core.errors import UsageError
from rtbench.corpus.packets import encode_packets
from rtbench.transports.connection import ConnectError
from rtbench.transports.webrtc import WebRtcTimings, connect, decoder, hang_up

SESSION = {"type": "realtime", "model": "gpt-realtime"}
KEY = {"Authorization": "Bearer sk-1"}
TIMES = np.arange(24_000) / 24_000
TONE = np.rint(8_000 * np.sin(2 * np.pi * 400 * TIMES)).astype(np.int16)


async def failing(url: str, **options) -> ConnectError:
    """The error of a call that must not come about; no receiver is made."""

    def nobody(peer):
        raise AssertionError("a receiver was made")

    with pytest.raises(ConnectError) as caught:
        await connect(url, nobody, **{"credentials": "direct", **options})
    return caught.value


def test_a_call_with_a_client_secret_takes_all_phases(run, service, recorder) -> None:
    async def steps() -> None:
        async with service() as it:
            peer, timings = await connect(it.url, recorder, headers=KEY, session=SESSION)
            (first, headers, _, body), (second, later, kind, _) = it.requests
            assert (first, second) == ("/v1/realtime/client_secrets", "/v1/realtime/calls")
            assert json.loads(body) == {"session": SESSION}
            assert (headers["Authorization"], later["Authorization"]) == ("Bearer sk-1", "Bearer ek_1")
            assert kind == "application/sdp"
            assert peer.call_id == "rtc_1"
            assert timings.key_ms > 0
            parts = (timings.gather_ms, timings.key_ms, timings.sdp_ms, timings.ice_ms)
            parts += (timings.dtls_ms, timings.channel_ms)
            assert min(parts) > 0
            assert timings.total_ms == pytest.approx(sum(parts))
            peer.close()
            await peer.lost

    run(steps())


@pytest.mark.parametrize(
    ("mode", "path"), [("raw", "/v1/realtime/calls?model=gpt-realtime"), ("multipart", "/v1/realtime/calls")]
)
def test_a_call_with_the_key_itself_names_its_model(run, service, recorder, mode, path) -> None:
    async def steps() -> None:
        async with service() as it:
            peer, timings = await connect(
                it.url, recorder, headers=KEY, session=SESSION, credentials="direct", sdp_mode=mode
            )
            ((asked, headers, _, _),) = it.requests
            assert (asked, headers["Authorization"]) == (path, "Bearer sk-1")
            assert timings.key_ms is None
            peer.close()
            await peer.lost

    run(steps())


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_the_codec_asked_for_is_the_one_negotiated(run, call, codec) -> None:
    async def steps() -> None:
        async with call(codec=codec.name) as it:
            assert it.near.codec is codec and it.far.peer.codec is codec
            it.near.send_packet(b"x", timestamp=0)
            await it.far_heard.until(lambda heard: heard.packets)
            assert it.far.peer.codecs[it.far_heard.packets[0].payload_type] is codec

    run(steps())


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_stock_aiortc_answers_and_hears_and_says_goodbye(run, service, recorder, monkeypatch, codec) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    stock = StockAnswerer()

    async def steps() -> None:
        async with service() as it, stock:
            it.handle_call = stock.answer
            peer, _ = await connect(it.url, recorder, codec=codec.name, credentials="direct")
            heard = await stock.channel_heard()
            peer.send("grüß Gott".encode())
            packets = encode_packets(TONE, 24_000, codec)
            decode = decoder(codec).decode
            for number, packet in enumerate(packets):
                peer.send_packet(packet, timestamp=number * codec.packet_ticks, marker=number == 0)
                await asyncio.sleep(0.005)  # faster than life; the clock of the sound is in its timestamps
            assert await asyncio.wait_for(heard.get(), 10) == "grüß Gott"
            level = await stock.level_heard()
            assert level == pytest.approx(
                pcm.level_dbfs(np.concatenate([decode(one) for one in packets[5:]])), abs=1.5
            )
            await stock.connection.close()
            await asyncio.wait_for(peer.lost, 10)
            assert peer.state == "closed"

    run(steps())


class StockAnswerer:
    """A stock peer that answers an offer, keeps messages, and measures the level of what it hears."""

    def __init__(self) -> None:
        self.connection = None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error) -> None:
        if self.connection is not None:
            await self.connection.close()

    async def answer(self, offer: str) -> str:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._messages: asyncio.Queue = asyncio.Queue()
        self._opened = asyncio.Event()

        @self.connection.on("datachannel")
        def adopt(channel) -> None:
            channel.on("message", self._messages.put_nowait)
            self._opened.set()

        @self.connection.on("track")
        def adopt_track(track) -> None:
            self._track = track

        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    async def channel_heard(self) -> asyncio.Queue:
        await asyncio.wait_for(self._opened.wait(), 10)
        return self._messages

    async def level_heard(self) -> float:
        """Of the tenth to the twentieth frame: past the beginning of its jitter buffer and of its decoder."""
        frames = [await asyncio.wait_for(self._track.recv(), 10) for _ in range(20)]
        return pcm.level_dbfs(np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames[10:]]))


@pytest.mark.parametrize(
    ("end", "options", "phase"),
    [("client_secrets", {"credentials": "client_secret"}, "key"), ("calls", {}, "sdp")],
)
def test_a_wrong_key_is_told_with_phase_and_status(run, service, end, options, phase) -> None:
    async def steps() -> None:
        async with service() as it:
            it.refusals[end] = web.Response(status=401)
            error = await failing(it.url, **options)
            assert (error.phase, error.error_class, error.status) == (phase, f"{phase}_401", 401)

    run(steps())


@pytest.mark.parametrize(
    ("answer", "why"),
    [("no sdp", "no audio section"), ("v=0\r\nm=audio", "cannot be read")],
)
def test_an_answer_that_cannot_be_used(run, service, answer, why) -> None:
    async def steps() -> None:
        async with service() as it:
            it.refusals["calls"] = web.Response(status=201, text=answer)
            error = await failing(it.url)
            assert (error.phase, error.error_class) == ("sdp", "sdp_invalid")
            assert why in error.message

    run(steps())


def test_a_service_without_our_codec_refuses(run, service) -> None:
    async def steps() -> None:
        async with service(codecs=("pcmu",)) as it:
            error = await failing(it.url, codec="opus")
            assert (error.phase, error.error_class, error.status) == ("sdp", "sdp_400", 400)

    run(steps())


def test_a_service_that_never_answers_a_check_times_out_in_ice(run, service) -> None:
    class Deaf:
        def __init__(self, to_socket, to_peer) -> None: ...

        def send(self, datagram) -> None: ...

        def deliver(self, datagram) -> None: ...

    async def steps() -> None:
        async with service() as it:
            error = await failing(it.url, path=Deaf, timeout_s=0.5)
            assert (error.phase, error.error_class) == ("ice", "connect_timeout")

    run(steps())


def test_a_service_that_is_silent_in_dtls_times_out_there(run, service) -> None:
    class OnlyStun:
        def __init__(self, to_socket, to_peer) -> None:
            self.send, self._to_peer = to_socket, to_peer

        def deliver(self, datagram) -> None:
            if datagram.data[0] < 4:
                self._to_peer(datagram)

    async def steps() -> None:
        async with service() as it:
            error = await failing(it.url, path=OnlyStun, timeout_s=0.5)
            assert (error.phase, error.error_class) == ("dtls", "connect_timeout")

    run(steps())


def test_a_service_with_another_certificate_fails_in_dtls(run, service) -> None:
    async def steps() -> None:
        async with service() as it:
            it.rewrite = lambda sdp: sdp.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:")
            error = await failing(it.url)
            assert (error.phase, error.error_class) == ("dtls", "dtls_failed")
            assert "certificate" in error.message

    run(steps())


def test_nobody_listening_is_a_refused_connection(run, service) -> None:
    async def steps() -> None:
        async with service() as it:
            url = it.url
        error = await failing(url)
        assert (error.phase, error.error_class) == ("sdp", "connect_refused")

    run(steps())


def test_a_cancelled_attempt_leaves_nothing(run, service, recorder, eventually) -> None:
    async def steps() -> None:
        async with service() as it:
            it.rewrite = lambda sdp: sdp.replace("typ host", "typ relayed")  # no candidate that can be used
            attempt = asyncio.ensure_future(connect(it.url, recorder, credentials="direct"))
            await eventually(lambda: it.peers)
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt

    run(steps())


@pytest.mark.parametrize("url", ["ws://127.0.0.1/v1", "nonsense", "http://"])
def test_what_is_no_http_url_is_a_usage_error(run, recorder, url) -> None:
    async def steps() -> None:
        with pytest.raises(UsageError, match="not an HTTP URL"):
            await connect(url, recorder)
        with pytest.raises(UsageError, match="not an HTTP URL"):
            await hang_up(url, "rtc_1")

    run(steps())


def test_a_hang_up_ends_the_call_from_outside(run, service, recorder) -> None:
    async def steps() -> None:
        async with service() as it:
            peer, _ = await connect(it.url, recorder, credentials="direct")
            await hang_up(it.url, peer.call_id, headers=KEY)
            await asyncio.wait_for(peer.lost, 10)
            assert it.requests[-1][0] == "/v1/realtime/calls/rtc_1/hangup"
            assert it.receivers[0].closes == [(1000, "")]

    run(steps())


def test_the_total_is_the_sum_of_the_phases() -> None:
    assert WebRtcTimings(1, 2, 4, 8, 16, 32).total_ms == 63
    assert WebRtcTimings(1, None, 4, 8, 16, 32).total_ms == 61
