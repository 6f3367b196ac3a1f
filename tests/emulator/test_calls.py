from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import ClientSession, FormData, ServerDisconnectedError
from aiortc import RTCConfiguration, RTCPeerConnection
from yarl import URL

from rtbench.emulator.server import EmulatorServer
from rtbench.engine.probe import PROBE_HEADER

KEY = {"Authorization": "Bearer k"}
SESSION = {"type": "realtime", "model": "m", "instructions": "Be brief."}


@pytest.fixture
def requests(make_service):
    """Run `client(http, url)` against a server of its own."""

    def run(client, **options) -> None:
        async def main() -> None:
            server = EmulatorServer(make_service(), key="k", **options)
            port = await server.start("127.0.0.1", 0)
            try:
                async with ClientSession() as http:
                    await asyncio.wait_for(client(http, f"http://127.0.0.1:{port}/v1"), 15)
            finally:
                await server.stop()

        asyncio.run(main())

    return run


async def offer() -> str:
    """That of a stock client who never comes, with nothing but audio and a channel in it."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio")
    peer.createDataChannel("oai-events")
    description = await peer.createOffer()
    await peer.close()
    lines = description.sdp.splitlines(keepends=True)
    ice = ["a=ice-ufrag:abcd\r\n", "a=ice-pwd:0123456789abcdef012345\r\n"]
    return "".join(lines + ([] if any(line.startswith("a=ice-ufrag") for line in lines) else ice))


def form(sdp: str | None, session: object = None, *, session_text: str | None = None) -> FormData:
    parts = FormData(default_to_multipart=True)
    if sdp is not None:
        parts.add_field("sdp", sdp, content_type="application/sdp")
    text = json.dumps(session) if session is not None else session_text
    if text is not None:
        parts.add_field("session", text, content_type="application/json")
    return parts


@pytest.mark.parametrize("base", ["/v1", "/openai/v1"])
def test_an_offer_is_answered_by_201_and_the_place_of_the_call(requests, base):
    async def client(http: ClientSession, url: str) -> None:
        url = url.replace("/v1", base)
        for body in (form(await offer(), SESSION), form(await offer(), SESSION)):
            async with http.post(f"{url}/realtime/calls", data=body, headers=KEY) as answer:
                assert (answer.status, answer.headers["Content-Type"]) == (201, "application/sdp")
                place = answer.headers["Location"]
                assert place.startswith(f"{base}/realtime/calls/rtc_")
                assert (await answer.text()).startswith("v=0")
        async with http.get(f"{url.replace(base, '')}/healthz") as health:
            assert (await health.json())["sessions"] == 2

    requests(client)


def test_a_raw_offer_takes_its_session_from_the_client_secret_or_the_model_from_the_query(requests):
    async def client(http: ClientSession, url: str) -> None:
        async with http.post(
            f"{url}/realtime/client_secrets", json={"session": SESSION}, headers=KEY
        ) as made:
            secret = {"Authorization": f"Bearer {(await made.json())['value']}"}
        sdp = {"Content-Type": "application/sdp"}
        for query, key, status in (("", secret, 201), ("?model=m", KEY, 201), ("", KEY, 400)):
            request = http.post(f"{url}/realtime/calls{query}", data=await offer(), headers={**key, **sdp})
            async with request as answer:
                assert answer.status == status
                if status == 400:
                    assert (await answer.json())["error"]["param"] == "model"

    requests(client)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"v=0", "application/sdp", 400, "invalid_offer"),
        (b"\xff", "application/sdp", 400, "invalid_value"),
        (b"{}", "application/json", 415, "unsupported_content_type"),
        (b"no form", "multipart/form-data; boundary=x", 400, None),
        (b"no form", "multipart/form-data", 400, None),
        (
            b"--x\r\nContent-\x0eType: y\r\n\r\nv=0\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            400,
            "invalid_form",
        ),
        (form(None, SESSION), None, 400, "missing_required_parameter"),
        (form("v=0", SESSION), None, 400, "invalid_offer"),
        (form("v=0", session_text="{"), None, 400, "invalid_json"),
        (form("v=0", {"type": "realtime", "colour": "red"}), None, 400, "unknown_parameter"),
        (form("v=0", [1]), None, 400, "invalid_type"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_api_s_error(requests, body, content_type, status, code):
    async def client(http: ClientSession, url: str) -> None:
        headers = {**KEY, **({"Content-Type": content_type} if content_type else {})}
        async with http.post(f"{url}/realtime/calls?model=m", data=body, headers=headers) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["type"]) == (status, "invalid_request_error")
            assert code is None or error["code"] == code

    requests(client)


@pytest.mark.parametrize("path", ["client_secrets", "calls", "calls/rtc_1/hangup"])
@pytest.mark.parametrize("key", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Bearer ek_other"}])
def test_nobody_is_let_in_without_a_key(requests, path, key):
    async def client(http: ClientSession, url: str) -> None:
        async with http.post(f"{url}/realtime/{path}", headers=key) as answer:
            assert answer.status == 401
            assert (await answer.json())["error"]["type"] == "invalid_request_error"

    requests(client)


def test_a_call_that_is_not_under_way_cannot_be_hung_up_or_joined(requests):
    async def client(http: ClientSession, url: str) -> None:
        async with http.post(f"{url}/realtime/calls/rtc_1/hangup", headers=KEY) as answer:
            assert answer.status == 404
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
        request = http.get(f"{url}/realtime?call_id=rtc_1", headers={**KEY, **upgrade})
        async with request as answer:
            assert (answer.status, (await answer.json())["error"]["param"]) == (404, "call_id")

    requests(client)


def test_a_part_of_no_text_is_refused_like_one_of_no_json(requests):
    async def client(http: ClientSession, url: str) -> None:
        parts = FormData(default_to_multipart=True)
        parts.add_field("sdp", "v=0", content_type="application/sdp")
        parts.add_field("session", b'{"type": "\xff"}', content_type="application/json", filename="session")
        async with http.post(f"{url}/realtime/calls", data=parts, headers=KEY) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "invalid_json")

    requests(client)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("client_secrets", "application/json"),
        ("calls?model=m", "application/sdp"),
        ("calls", "multipart/form-data; boundary=b"),
    ],
)
def test_a_request_that_breaks_off_is_the_client_s_mistake(requests, path, content_type):
    async def client(http: ClientSession, url: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
        head = f"POST /v1/realtime/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
        writer.write(f"{head}Content-Type: {content_type}\r\nContent-Length: 99\r\n\r\n--b\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0)
        writer.write_eof()
        assert b" 500 " not in (await reader.read())[:20]
        writer.close()

    requests(client)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b'{"session": "\xff"}', b'{"session": ' + b"[" * 9_999]
)
def test_a_body_that_is_no_json_object_makes_no_secret(requests, body):
    async def client(http: ClientSession, url: str) -> None:
        async with http.post(f"{url}/realtime/client_secrets", data=body, headers=KEY) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "invalid_json")

    requests(client)


def test_the_door_s_faults_strike_requests_for_keys_and_offers(make_service):
    faults = {
        "refusal": {"status": 429, "retry_after": "2 s", "most": 2},
        "refuse": {"at": "call", "most": 1},
    }

    async def main() -> None:
        server = EmulatorServer(make_service(faults=faults), key="k")
        url = f"http://127.0.0.1:{await server.start('127.0.0.1', 0)}/v1/realtime"
        sdp = {**KEY, "Content-Type": "application/sdp"}
        try:
            async with ClientSession() as http:
                probe = {**KEY, PROBE_HEADER: "1"}
                async with http.post(f"{url}/client_secrets", headers=probe) as answer:
                    assert answer.status == 200
                for path, headers in (("client_secrets", KEY), ("calls?model=m", sdp)):
                    data = await offer() if "calls" in path else None
                    async with http.post(f"{url}/{path}", data=data, headers=headers) as answer:
                        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
                        assert (await answer.json())["error"]["code"] == "refused_429"
                with pytest.raises(ServerDisconnectedError):
                    await http.post(f"{url}/calls?model=m", data=await offer(), headers=sdp)
                async with http.post(f"{url}/calls?model=m", data=await offer(), headers=sdp) as answer:
                    assert answer.status == 201
        finally:
            await server.stop()

    asyncio.run(main())
