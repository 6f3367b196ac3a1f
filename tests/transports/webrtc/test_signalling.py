"""HTTP of a call's beginning, against an aiohttp server that keeps the requests."""

import json

import pytest
from aiohttp import web

from rtbench.transports.connection import ConnectError
from rtbench.transports.webrtc.signalling import Signalling

SESSION = {"type": "realtime", "model": "gpt-realtime"}


def signalling(service, **headers) -> Signalling:
    return Signalling(service.url, headers or {"Authorization": "Bearer sk-secret"}, None)


@pytest.fixture
def answered(service):
    """A service whose `/calls` gives a fixed answer."""

    def open_it(location: str = "/v1/realtime/calls/rtc_7"):
        opened = service()

        class Opened:
            async def __aenter__(self):
                it = await opened.__aenter__()
                it.refusals["calls"] = web.Response(status=201, text="v=0", headers={"Location": location})
                return it

            async def __aexit__(self, *error) -> None:
                await opened.__aexit__(*error)

        return Opened()

    return open_it


def test_a_client_secret_takes_the_place_of_the_key(run, answered) -> None:
    async def steps() -> None:
        async with answered() as it, signalling(it, **{"api-key": "secret", "X-Other": "kept"}) as http:
            await http.client_secret(SESSION)
            await http.exchange("v=0 offer", SESSION, mode="raw", model=None)
            (path, headers, kind, body), (calls, later, _, _) = it.requests
            assert (path, kind) == ("/v1/realtime/client_secrets", "application/json")
            assert json.loads(body) == {"session": SESSION}
            assert headers["api-key"] == "secret"
            assert calls == "/v1/realtime/calls"
            assert later["Authorization"] == "Bearer ek_1"
            assert "api-key" not in later and later["X-Other"] == "kept"

    run(steps())


def test_a_raw_offer_is_the_body(run, answered) -> None:
    async def steps() -> None:
        async with answered() as it, signalling(it) as http:
            answer = await http.exchange("v=0 offer", None, mode="raw", model="gpt realtime")
            ((path, headers, kind, body),) = it.requests
            assert (kind, body) == ("application/sdp", b"v=0 offer")
            assert headers["Accept"] == "application/sdp"
            assert headers["Authorization"] == "Bearer sk-secret"
            assert path.split("?")[1] in ("model=gpt+realtime", "model=gpt%20realtime")
            assert answer == ("v=0", "rtc_7")

    run(steps())


@pytest.mark.parametrize("mode", ["raw", "multipart"])
def test_few_events_are_asked_for_in_the_query(run, answered, mode) -> None:
    async def steps() -> None:
        async with answered() as it, signalling(it) as http:
            await http.exchange("v=0 offer", SESSION, mode=mode, model=None, filtered=True)
            ((path, *_),) = it.requests
            assert path == "/v1/realtime/calls?webrtcfilter=on"

    run(steps())


def test_multipart_has_two_typed_parts(run, answered) -> None:
    async def steps() -> None:
        async with answered() as it, signalling(it) as http:
            await http.exchange("v=0 offer", SESSION, mode="multipart", model=None)
            ((path, _, kind, body),) = it.requests
            assert (path, kind) == ("/v1/realtime/calls", "multipart/form-data")
            parts = [part.lower() for part in body.split(b"\r\n--")]
            assert b"content-type: application/sdp" in parts[0] and b'name="sdp"' in parts[0]
            assert parts[0].endswith(b"v=0 offer")
            assert b"content-type: application/json" in parts[1] and b'name="session"' in parts[1]
            assert json.loads(body.split(b"\r\n--")[1].split(b"\r\n\r\n")[1]) == SESSION

    run(steps())


@pytest.mark.parametrize(
    ("location", "call_id"),
    [
        ("https://api.example/v1/realtime/calls/rtc_9?x=1", "rtc_9"),
        ("/v1/realtime/calls/rtc_9/", "rtc_9"),
        ("", None),
    ],
)
def test_the_calls_name_is_the_end_of_its_location(run, answered, location, call_id) -> None:
    async def steps() -> None:
        async with answered(location) as it, signalling(it) as http:
            assert (await http.exchange("v=0", None, mode="raw", model=None)).call_id == call_id

    run(steps())


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
@pytest.mark.parametrize(
    ("end", "phase"), [("client_secrets", "key"), ("calls", "sdp"), ("hangup", "hangup")]
)
def test_a_refusal_names_its_phase_and_status_and_no_secret(run, service, end, phase, status) -> None:
    async def steps() -> None:
        async with service() as it, signalling(it) as http:
            it.refusals[end] = web.Response(status=status, text="Incorrect API key provided: sk-secret")
            requests = {
                "client_secrets": lambda: http.client_secret(SESSION),
                "calls": lambda: http.exchange("v=0", None, mode="raw", model=None),
                "hangup": lambda: http.hang_up("rtc_1"),
            }
            with pytest.raises(ConnectError) as caught:
                await requests[end]()
            error = caught.value
            assert (error.phase, error.error_class, error.status) == (phase, f"{phase}_{status}", status)
            assert "secret" not in error.message and it.url.split("/")[2] in error.message

    run(steps())


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"value": 5}', '{"value": ""}'])
def test_an_answer_without_a_key_is_invalid(run, service, body) -> None:
    async def steps() -> None:
        async with service() as it, signalling(it) as http:
            it.refusals["client_secrets"] = web.Response(text=body)
            with pytest.raises(ConnectError) as caught:
                await http.client_secret(SESSION)
            assert caught.value.error_class == "key_invalid"

    run(steps())


def test_nobody_listening_is_a_refused_connection(run, service) -> None:
    async def steps() -> None:
        async with service() as it:
            url = it.url
        async with Signalling(url, {}, None) as http:
            with pytest.raises(ConnectError) as caught:
                await http.hang_up("rtc_1")
            assert (caught.value.phase, caught.value.error_class) == ("hangup", "connect_refused")
            assert caught.value.message.endswith(": hangup: connection refused")

    run(steps())


def test_no_tls_where_tls_was_asked_for_is_a_tls_failure(run, service) -> None:
    async def steps() -> None:
        async with service() as it, Signalling(it.url.replace("http:", "https:"), {}, None) as http:
            with pytest.raises(ConnectError) as caught:
                await http.client_secret(SESSION)
            assert (caught.value.phase, caught.value.error_class) == ("key", "tls_failure")

    run(steps())


@pytest.mark.parametrize("end", ["client_secrets", "calls"])
def test_a_redirect_is_a_refusal_and_no_key_goes_elsewhere(run, service, end) -> None:
    async def steps() -> None:
        async with service() as it, service() as elsewhere, signalling(it, **{"api-key": "secret"}) as http:
            there = f"{elsewhere.url}/realtime/{end}"
            it.refusals[end] = web.Response(status=307, headers={"Location": there})
            phase = "key" if end == "client_secrets" else "sdp"
            with pytest.raises(ConnectError) as caught:
                await (
                    http.client_secret(SESSION)
                    if phase == "key"
                    else http.exchange("v=0", None, mode="raw", model=None)
                )
            assert (caught.value.error_class, caught.value.status) == (f"{phase}_307", 307)
            assert elsewhere.requests == []

    run(steps())


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "7"}, 7.0), ({}, None)])
def test_a_refusal_says_when_to_come_back(run, service, header, seconds) -> None:
    async def steps() -> None:
        async with service() as it, signalling(it) as http:
            it.refusals["client_secrets"] = web.Response(status=429, headers=header)
            with pytest.raises(ConnectError) as caught:
                await http.client_secret(SESSION)
            assert caught.value.retry_after_s == seconds

    run(steps())


class Way:
    """A path that lets everything through, and keeps what was asked of it."""

    def __init__(self) -> None:
        self.passed: list[tuple[str, int]] = []

    async def ask(self, size_bytes: int, *, secure: bool) -> None:
        assert not secure
        self.passed.append(("up", size_bytes))

    async def hear(self, size_bytes: int) -> None:
        self.passed.append(("down", size_bytes))


def test_every_request_and_its_answer_go_through_a_simulated_network(run, answered) -> None:
    way = Way()

    async def steps() -> None:
        async with answered() as it, Signalling(it.url, {"Authorization": "Bearer sk"}, None, way) as http:
            await http.client_secret(SESSION)
            await http.exchange("v=0 offer", SESSION, mode="raw", model=None)
            key, sdp = (len(body) for _, _, _, body in it.requests)
            assert [way.passed[0], way.passed[2]] == [("up", key), ("up", sdp)]

    run(steps())
    assert [direction for direction, _ in way.passed] == ["up", "down", "up", "down"]
    assert way.passed[-1] == ("down", len("v=0"))
