from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession

from rtbench.emulator.server import EmulatorServer

ORIGIN = {"Origin": "http://page.example"}


@pytest.fixture
def answers(make_service):
    """Answers to (method, path, headers) requests."""

    async def ask(requests: list) -> list:
        server = EmulatorServer(make_service(), key="k")
        port = await server.start("127.0.0.1", 0)
        found = []
        async with ClientSession() as session:
            for method, path, headers in requests:
                url = f"http://127.0.0.1:{port}{path}"
                async with session.request(method, url, headers=headers) as answer:
                    found.append((answer.status, answer.headers))
        await server.stop()
        return found

    return lambda *requests: asyncio.run(ask(list(requests)))


@pytest.mark.parametrize("end_point", ["client_secrets", "calls", "calls/rtc_1/hangup"])
def test_pages_may_ask_for_what_clients_send(answers, end_point):
    named = "authorization,content-type,x-openai-agents-sdk"
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": named}
    [(status, headers), (_, bare)] = answers(
        ("OPTIONS", f"/v1/realtime/{end_point}", asked), ("OPTIONS", f"/v1/realtime/{end_point}", ORIGIN)
    )
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert headers["Access-Control-Allow-Headers"] == named
    assert bare["Access-Control-Allow-Headers"] == "authorization, content-type"


def test_every_answer_may_be_read_with_its_location_and_errors_too(answers):
    [(status, refused), (_, plain)] = answers(
        ("POST", "/v1/realtime/calls", ORIGIN), ("POST", "/v1/realtime/calls", {})
    )
    assert status == 401
    assert refused["Access-Control-Allow-Origin"] == "*"
    assert refused["Access-Control-Expose-Headers"] == "Location"
    assert "Access-Control-Allow-Origin" not in plain
