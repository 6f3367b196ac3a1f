"""Whole calls on loopback: a caller made of packets, spoken faster than real time, since a call's clock is its timestamps."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from rtbench.core import pcm
from rtbench.core.audio import PCMA, PCMU
from rtbench.core.codec import CODECS
from rtbench.emulator.recording import Recording
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.truth_file import TruthFile
from rtbench.emulator.voice import Voice
from rtbench.transports.webrtc import Peer, connect, hang_up

LIMIT_S = 15
KEY = {"Authorization": "Bearer k"}
SESSION = {"type": "realtime", "model": "m"}
TICKS = 160


class LossyPath:
    """A network that loses packets when it is told to (see `DatagramPath`)."""

    def __init__(self, caller, to_socket, to_peer) -> None:
        self._caller, self._to_socket, self.deliver = caller, to_socket, to_peer

    def send(self, datagram) -> None:
        if not (self._caller.drops and datagram.data[0] >= 128):
            self._to_socket(datagram)


class Caller:
    """Hears a peer."""

    def __init__(self) -> None:
        self.peer = None
        self.events: list[dict] = []
        self.packets: list[tuple] = []
        self.closed: tuple | None = None
        self.drops = False
        """The network loses what is sent."""

        self._news = asyncio.Event()
        self._ticks = 0

    def __call__(self, peer):
        self.peer = peer
        return self

    def network(self, to_socket, to_peer):
        """See `PathFactory`."""
        return LossyPath(self, to_socket, to_peer)

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.events.append(json.loads(message))
        self._news.set()

    def on_packet(self, packet, arrival_ns: int) -> None:
        self.packets.append((packet, arrival_ns))
        self._news.set()

    def on_state(self, state, now_ns: int) -> None:
        """Not of interest here."""

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.closed = (code, reason)
        self._news.set()

    def say(self, samples) -> None:
        """Send all of it at once; the service goes by the timestamps."""
        fmt = self.peer.codec.fmt
        data = pcm.encode(samples, fmt)
        for at in range(0, len(data), TICKS):
            self.peer.send_packet(data[at : at + TICKS], timestamp=self._ticks)
            self._ticks += TICKS

    def send(self, **event) -> None:
        self.peer.send(json.dumps(event).encode())

    async def until(self, happened) -> None:
        while not happened():
            self._news.clear()
            await self._news.wait()

    async def event(self, kind: str, count: int = 1) -> dict:
        await self.until(lambda: self.types().count(kind) >= count)
        return [event for event in self.events if event["type"] == kind][count - 1]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@pytest.fixture
def calling(make_service, tmp_path):
    """Run `client(url, caller)` with a call that stands; keys of a profile as arguments. The log's rows come back."""

    def run(client, codec: str = "pcmu", reply: Recording | None = None, **settings) -> list[dict]:
        path = tmp_path / "truth.jsonl"

        async def main() -> None:
            service = make_service(**{"response_delay": "50 ms", **settings})
            if reply is not None:
                service = replace(service, voice=Voice([reply], 100))
            server = EmulatorServer(service, key="k", log=TruthFile(path))
            port = await server.start("127.0.0.1", 0)
            url, caller = f"http://127.0.0.1:{port}/v1", Caller()
            try:
                async with asyncio.timeout(LIMIT_S):
                    await connect(url, caller, headers=KEY, session=SESSION, codec=codec, path=caller.network)
                    await client(url, caller)
                    caller.peer.close()
                    await caller.peer.lost
            finally:
                await server.stop()

        asyncio.run(main())
        return [json.loads(line) for line in path.read_text().splitlines()]

    return run


@pytest.fixture
def question(make_recording):
    """400 ms of sound, and the silence that ends the turn."""
    return make_recording("question", "", 100, 400, 700).samples[8_000]


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_a_spoken_turn_is_answered_in_packets_on_time(calling, question, reply, codec):
    fmt = {"pcmu": PCMU, "pcma": PCMA}[codec]

    async def client(url: str, caller: Caller) -> None:
        assert caller.peer.codec is CODECS[codec]
        caller.say(question)
        await caller.event("output_audio_buffer.stopped")
        packets = [packet for packet, _ in caller.packets]
        assert b"".join(packet.payload for packet in packets) == pcm.encode(reply.samples[8_000], fmt)
        assert [packet.marker for packet in packets] == [True] + [False] * 39
        first = packets[0]
        assert [packet.timestamp - first.timestamp for packet in packets] == [160 * n for n in range(40)]
        assert "response.output_audio.delta" not in caller.types()
        stopped = await caller.event("input_audio_buffer.speech_stopped")
        assert 1_000 <= stopped["audio_end_ms"] <= 1_100

    [row] = calling(client, codec=codec)
    assert (row["transport"], row["trigger"], row["input_rate_hz"]) == ("webrtc", "server_vad", 8_000)
    waited_ms = (row["first_audio_sent_ns"] - row["endpoint_received_ns"]) / 1e6
    assert waited_ms >= 50
    # 39 intervals of 20 ms, whenever the machine let the first packet leave.
    assert row["last_audio_sent_ns"] - row["endpoint_received_ns"] >= (50 + 39 * 20) * 1e6


def test_speech_into_the_answer_ends_its_packets(calling, question, make_recording):
    long_reply = make_recording("long", "one two three four", 40, 10_000, 60)
    truncated = {}

    async def client(url: str, caller: Caller) -> None:
        caller.say(question)
        await caller.until(lambda: len(caller.packets) >= 5)
        caller.say(question[:4_000])
        truncated.update(await caller.event("conversation.item.truncated"))
        packets = truncated["audio_end_ms"] // 20
        assert 5 <= packets < 500
        # A packet that was due by then may leave a moment later; none that was not.
        await caller.until(lambda: len(caller.packets) >= packets)
        caller.send(type="conversation.item.retrieve", item_id=truncated["item_id"])
        await caller.event("conversation.item.retrieved")
        assert "output_audio_buffer.stopped" not in caller.types()
        assert len(caller.packets) == packets

    [row, *_] = calling(client, reply=long_reply, pace="burst")
    assert (row["status"], row["played_ms"]) == ("completed", truncated["audio_end_ms"])
    assert row["interruption_onset_sample"] is not None


def test_what_is_lost_on_the_way_is_silence_of_its_length(calling, question):
    async def client(url: str, caller: Caller) -> None:
        caller.say(question[:2_400])
        caller.drops = True
        caller.say(question[:8_000])
        caller.drops = False
        caller.say(question)
        stopped = await caller.event("input_audio_buffer.speech_stopped", 2)
        # 300 ms that came, 1000 that did not, the question of 500, and what it takes to be sure of its end.
        assert 2_300 <= stopped["audio_end_ms"] <= 2_400

    calling(client)


def test_a_sideband_hears_the_call_and_acts_on_it(calling):
    async def client(url: str, caller: Caller) -> None:
        await caller.event("session.created")
        async with (
            ClientSession() as http,
            http.ws_connect(f"{url}/realtime?call_id={caller.peer.call_id}", headers=KEY) as sideband,
        ):
            created = await sideband.receive_json()
            assert created["type"] == "session.created"
            assert created["session"]["id"] == caller.events[0]["session"]["id"]
            update = {"type": "realtime", "instructions": "Be brief."}
            await sideband.send_json({"type": "session.update", "session": update})
            assert (await sideband.receive_json())["session"]["instructions"] == "Be brief."
            assert (await caller.event("session.updated"))["session"]["instructions"] == "Be brief."
            await sideband.send_json({"type": "response.create"})
            await caller.event("output_audio_buffer.started")
            heard = [(await sideband.receive_json())["event_id"] for _ in range(5)]
            assert heard == [event["event_id"] for event in caller.events[2:7]]
            caller.peer.close()
            while (message := await sideband.receive()).data != 1000:
                assert message.type.name == "TEXT"

    calling(client)


def test_a_message_on_purpose_leaves_whatever_the_peer_takes(calling, monkeypatch):
    sent: list[bytes] = []
    monkeypatch.setattr(Peer, "send_regardless", lambda peer, message: sent.append(message))

    async def client(url: str, caller: Caller) -> None:
        await caller.event("session.created")
        caller.send(type="response.create")
        await caller.event("response.created")
        assert [message[-2:] for message in sent] == [b"AA"]

    calling(client, faults={"invalid_json": 1.0})


def test_hanging_up_ends_the_call_and_everything_of_it(calling):
    async def client(url: str, caller: Caller) -> None:
        await hang_up(url, caller.peer.call_id, headers=KEY)
        await caller.until(lambda: caller.closed is not None)
        assert caller.closed[0] == 1000
        async with ClientSession() as http, http.get(url.replace("/v1", "/healthz")) as health:
            assert (await health.json())["sessions"] == 0

    calling(client)


def test_a_session_that_expires_takes_its_call_with_it(calling):
    async def client(url: str, caller: Caller) -> None:
        await caller.until(lambda: caller.closed is not None)
        assert (await caller.event("error"))["error"]["code"] == "session_expired"

    calling(client, session_limit="300 ms")
