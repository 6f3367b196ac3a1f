from __future__ import annotations

import asyncio
import base64
import json
import socket
from dataclasses import replace

import pytest
from agents.realtime import RealtimeAgent, RealtimeRunner
from aiohttp import ClientSession, WSMsgType
from openai import AsyncOpenAI

from rtbench.clock import monotonic_ns
from rtbench.core.errors import UsageError
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.emulator import server
from rtbench.emulator.capacity import Occupancy
from rtbench.emulator.client_secrets import ClientSecrets
from rtbench.emulator.held_ports import HeldPorts
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.truth_file import TruthFile

LIMIT_S = 10
CHUNK_BYTES = 9_600
QUICK = Profile.model_validate({"response_delay": "20 ms", "pace": "burst", "transcription_delay": "0 ms"})


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="module")
def service(corpus):
    return load_service(corpus.folder, QUICK)


@pytest.fixture
def serving(service):
    """Run `client(url)` against a server of its own."""

    def run(client, served=service, **options) -> None:
        async def main() -> None:
            server = EmulatorServer(served, **options)
            port = await server.start("127.0.0.1", 0)
            try:
                await asyncio.wait_for(client(f"http://127.0.0.1:{port}"), LIMIT_S)
            finally:
                await server.stop()

        asyncio.run(main())

    return run


@pytest.fixture
def question(corpus) -> list[bytes]:
    """A spoken question and the silence after it, in pieces."""
    pcm = corpus.samples("hours_question").tobytes() + bytes(48_000)
    return [pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm), CHUNK_BYTES)]


async def events_until(websocket, last: str) -> list[dict]:
    """Events up to and including the first of type `last`."""
    events = []
    async for message in websocket:
        events.append(json.loads(message.data))
        if events[-1]["type"] == last:
            return events
    raise AssertionError(f"closed with {websocket.close_code} before {last}")


def test_the_stock_openai_client_holds_a_spoken_turn(serving, question, corpus):
    async def client(url: str) -> None:
        openai = AsyncOpenAI(api_key="sk-any", base_url=f"{url}/v1")
        async with openai.realtime.connect(model="gpt-realtime") as connection:
            await connection.session.update(
                session={
                    "type": "realtime",
                    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}},
                }
            )
            for piece in question:
                await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
            events = {}
            audio = b""
            transcribed = "conversation.item.input_audio_transcription.completed"
            async for event in connection:
                events[event.type] = event
                if event.type == "response.output_audio.delta":
                    audio += base64.b64decode(event.delta)
                if {"response.done", transcribed} <= events.keys():  # in either order, as the API has it
                    break
        await openai.close()
        completed = events[transcribed]
        assert completed.transcript == corpus.entry("hours_question").text
        response = events["response.done"].response
        assert response.status == "completed"
        said = response.output[0].content[0].transcript
        replies = {corpus.entry(name).text: name for name in corpus.names() if name.startswith("reply_")}
        assert audio == corpus.samples(replies[said]).tobytes()

    serving(client)


def test_the_stock_agents_runner_holds_a_spoken_turn(serving, question):
    async def client(url: str) -> None:
        runner = RealtimeRunner(RealtimeAgent(name="caller", instructions="Be brief."))
        websocket_url = f"{url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime"
        # The runner names a model of its own choice in its update; a session keeps that of its URL.
        settings = {"model_name": "gpt-realtime"}
        config = {"api_key": "sk-any", "url": websocket_url, "initial_model_settings": settings}
        seen, audio_bytes = set(), 0
        async with await runner.run(model_config=config) as session:
            for piece in question:
                await session.send_audio(piece)
            await session.send_audio(bytes(96_000))
            async for event in session:
                seen.add(event.type)
                assert event.type != "error", event
                if event.type == "audio":
                    audio_bytes += len(event.audio.data)
                if event.type == "agent_end":
                    break
        assert {"agent_start", "audio", "history_added"} <= seen
        assert audio_bytes > 48_000

    serving(client)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/realtime?model=m", {"Authorization": "Bearer k"}),
        ("/openai/v1/realtime?model=m", {"api-key": "k"}),
        ("/v1/realtime?model=m", {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.k"}),
    ],
)
def test_sessions_open_at_every_documented_path_and_with_every_form_of_key(serving, path, headers):
    async def client(url: str) -> None:
        async with ClientSession() as session, session.ws_connect(url + path, headers=headers) as websocket:
            [created] = await events_until(websocket, "session.created")
            assert created["session"]["model"] == "m"
            offered = headers.get("Sec-WebSocket-Protocol")
            assert websocket._response.headers.get("Sec-WebSocket-Protocol") == (
                "realtime" if offered else None
            )

    serving(client, key="k")


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/realtime?model=m", {}, 401, "missing_api_key"),
        ("/v1/realtime?model=m", {"Authorization": "Bearer other"}, 401, "invalid_api_key"),
        ("/v1/realtime", {"Authorization": "Bearer k"}, 400, "missing_required_parameter"),
        ("/v1/realtime?model=m&call_id=c", {"Authorization": "Bearer k"}, 400, "invalid_value"),
    ],
)
def test_a_refused_upgrade_has_the_api_s_error_body(serving, path, headers, status, code):
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    async def client(url: str) -> None:
        async with (
            ClientSession() as session,
            session.get(url + path, headers={**upgrade, **headers}) as answer,
        ):
            assert answer.status == status
            error = (await answer.json())["error"]
            assert (error["type"], error["code"]) == ("invalid_request_error", code)

    serving(client, key="k")


def test_a_plain_request_is_told_to_upgrade_and_health_is_told_to_all(serving):
    async def client(url: str) -> None:
        async with ClientSession() as session:
            async with session.get(f"{url}/v1/realtime?model=m") as answer:
                assert answer.status == 426
            async with session.get(f"{url}/healthz") as answer:
                health = await answer.json()
                assert (health["status"], health["sessions"], health["tasks"] > 0) == ("ok", 0, True)
                assert {"cpu_share", "loop_lag_max_ms"} <= health.keys()

    serving(client)


def test_a_client_of_the_beta_is_told_so_and_closed_with_4000(serving):
    async def client(url: str) -> None:
        headers = {"Authorization": "Bearer k", "OpenAI-Beta": "realtime=v1"}
        async with (
            ClientSession() as session,
            session.ws_connect(f"{url}/v1/realtime?model=m", headers=headers) as websocket,
        ):
            [error] = await events_until(websocket, "error")
            assert error["error"]["code"] == "beta_api_shape_disabled"
            closed = await websocket.receive()
            assert (closed.type, closed.data) == (WSMsgType.CLOSE, 4000)
            assert closed.extra == "invalid_request_error.beta_api_shape_disabled"

    serving(client)


def test_bad_messages_are_answered_by_errors_and_the_session_goes_on(serving):
    async def client(url: str) -> None:
        headers = {"Authorization": "Bearer k"}
        async with (
            ClientSession() as session,
            session.ws_connect(f"{url}/v1/realtime?model=m", headers=headers) as websocket,
        ):
            await events_until(websocket, "session.created")
            await websocket.send_str("{")
            await websocket.send_bytes(b"\xff\xfe")
            await websocket.send_str('{"type":"no.such.event","event_id":"mine"}')
            oversized = base64.b64encode(bytes(15 * 1024 * 1024 + 1)).decode()
            await websocket.send_str(json.dumps({"type": "input_audio_buffer.append", "audio": oversized}))
            await websocket.send_str('{"type":"response.create"}')
            events = await events_until(websocket, "response.done")
            errors = [event["error"] for event in events if event["type"] == "error"]
            assert [error["code"] for error in errors] == [
                "invalid_json",
                "invalid_json",
                "invalid_value",
                "string_above_max_length",
            ]
            assert errors[2]["event_id"] == "mine"

    serving(client)


def test_truth_is_logged_as_the_next_response_begins_and_sessions_stop(serving, tmp_path):
    path = tmp_path / "emulator.jsonl"

    async def client(url: str) -> None:
        headers = {"Authorization": "Bearer k"}
        async with (
            ClientSession() as session,
            session.ws_connect(f"{url}/v1/realtime?model=m", headers=headers) as websocket,
        ):
            await websocket.send_str('{"type":"response.create"}')
            done = (await events_until(websocket, "response.done"))[-1]
            await websocket.send_str('{"type":"response.create"}')
            await events_until(websocket, "response.created")
            [row] = [json.loads(line) for line in path.read_text().splitlines()]
            assert row["response_id"] == done["response"]["id"]
            assert row["first_audio_sent_ns"] - row["endpoint_received_ns"] >= 20_000_000

    serving(client, log=TruthFile(path))
    statuses = [json.loads(line)["status"] for line in path.read_text().splitlines()]
    assert statuses == ["completed", "in_progress"]


def test_a_stopping_server_says_goodbye(service):
    async def main() -> None:
        server = EmulatorServer(service)
        port = await server.start("127.0.0.1", 0)
        async with ClientSession() as session:
            url = f"http://127.0.0.1:{port}/v1/realtime?model=m"
            websocket = await session.ws_connect(url, headers={"Authorization": "Bearer k"})
            await events_until(websocket, "session.created")
            stopping = asyncio.create_task(server.stop())
            closed = await websocket.receive()
            assert (closed.type, closed.data) == (WSMsgType.CLOSE, 1001)
            await websocket.close()
            await stopping

    asyncio.run(main())


def test_a_port_that_is_taken_is_told(service):
    async def main(port: int) -> None:
        server = EmulatorServer(service)
        try:
            await server.start("127.0.0.1", port)
        finally:
            await server.stop()

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 is taken"):
            asyncio.run(main(port))


def faulty(service, **profile):
    """The same service with this in its profile."""
    return replace(service, profile=Profile.model_validate(profile), occupancy=Occupancy())


def test_no_secret_is_issued_to_a_request_that_is_refused(serving, service, monkeypatch):
    issued = []

    class Watched(ClientSecrets):
        def issue(self, *args):
            issued.append(args)
            return super().issue(*args)

    monkeypatch.setattr(server, "ClientSecrets", Watched)

    async def client(url: str) -> None:
        async with ClientSession(headers={"Authorization": "Bearer k"}) as http:
            statuses = []
            for body in ({"colour": "red"}, {}, {}):
                async with http.post(f"{url}/v1/realtime/client_secrets", json=body) as answer:
                    statuses.append(answer.status)
            assert statuses == [400, 503, 200]  # what is wrong by itself is no occasion for a fault
            assert len(issued) == 1

    serving(client, faulty(service, faults={"refusal": {"status": 503, "at": "key", "most": 1}}))


def test_a_secret_lives_from_its_answer_on_however_late_that_is(serving, service, monkeypatch):
    def fast_ns() -> int:
        return 1_000 * monotonic_ns()

    monkeypatch.setattr(server, "unix_ns", fast_ns)

    async def client(url: str) -> None:
        asked_ns = fast_ns()
        async with (
            ClientSession(headers={"Authorization": "Bearer k"}) as http,
            http.post(f"{url}/v1/realtime/client_secrets", json={}) as answer,
        ):
            assert (await answer.json())["expires_at"] - 600 >= asked_ns // 10**9 + 95

    serving(client, faulty(service, faults={"slow_upgrade": {"delay": "100 ms", "at": "key"}}))


def test_who_was_answered_late_finds_the_room_that_is_left_then(serving, service):
    async def client(url: str) -> None:
        async with ClientSession(headers={"Authorization": "Bearer k"}) as http:
            both = [http.ws_connect(f"{url}/v1/realtime?model=m") for _ in range(2)]
            found = await asyncio.gather(*both, return_exceptions=True)
            assert sorted(getattr(each, "status", 101) for each in found) == [101, 429]
            for each in found:
                if not isinstance(each, Exception):
                    await each.close()

    slow = {"slow_upgrade": {"delay": "500 ms", "most": 1}}
    serving(client, faulty(service, faults=slow, capacity={"sessions": 1}))


def test_a_refusal_for_want_of_room_and_the_end_of_a_session_are_in_the_log_of_faults(
    serving, service, tmp_path
):
    log = tmp_path / "faults.jsonl"

    async def client(base: str) -> None:
        url = f"{base}/v1/realtime?model=m"
        async with ClientSession(headers={"Authorization": "Bearer k"}) as session:
            websocket = await session.ws_connect(url)
            assert (await session.get(url, headers=UPGRADE)).status == 503
            await events_until(websocket, "error")
            assert (await websocket.receive()).type is WSMsgType.CLOSE

    served = faulty(service, session_limit="300 ms", capacity={"sessions": 1, "refusal": 503})
    serving(client, served, fault_log=TruthFile(log))
    written = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["kind"], row["setting"], bool(row["session_id"])) for row in written] == [
        ("capacity", "503", False),
        ("expiry", "0.3 s", True),
    ]


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}


def test_a_server_whose_port_is_gone_after_a_restart_has_failed_and_says_so(service, monkeypatch):
    class Nothing(HeldPorts):
        def __init__(self, addresses) -> None:
            super().__init__(())

    monkeypatch.setattr(server, "HeldPorts", Nothing)

    async def main() -> None:
        served = EmulatorServer(faulty(service, restart={"at": "10 ms", "lasts": "200 ms"}))
        port = await served.start("127.0.0.1", 0)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            while True:
                try:
                    other.bind(("127.0.0.1", port))
                    break
                except OSError:
                    await asyncio.sleep(0.005)
            other.listen()
            with pytest.raises(UsageError, match=f"after a restart port {port} on 127.0.0.1 is taken"):
                await asyncio.wait_for(served.failure, LIMIT_S)
        await served.stop()

    asyncio.run(main())


def test_a_restarting_server_refuses_callers_and_comes_back_on_its_port(service):
    async def main() -> None:
        served = EmulatorServer(faulty(service, restart={"at": "10 ms", "lasts": "200 ms"}))
        port = await served.start("127.0.0.1", 0)
        seen = []
        async with asyncio.timeout(LIMIT_S):
            while seen[-2:] != ["out", "in"]:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    seen.append("in")
                except ConnectionRefusedError:
                    seen.append("out")
                await asyncio.sleep(0.005)
        assert not served.failure.done()
        await served.stop()

    asyncio.run(main())
