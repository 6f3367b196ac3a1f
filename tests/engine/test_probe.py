import asyncio

import pytest
from aiohttp import web

from rtbench.core.errors import CredentialsRefused, TargetError, TargetUnreachable
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.access import HttpError
from rtbench.emulator.calls import Calls
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.engine import probe as probe_module
from rtbench.engine.probe import PROBE_HEADER, probe, probe_media
from rtbench.engine.target import Target
from rtbench.transports.websocket import Refusal

SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def key(monkeypatch) -> None:
    monkeypatch.setenv("RTBENCH_API_KEY", SECRET)


def failure_of(url: str) -> TargetError:
    with pytest.raises(TargetError) as failure:
        asyncio.run(probe(Target(url), OPENAI_GA, "gpt-realtime"))
    return failure.value


def test_a_session_is_opened_with_model_and_key_and_closed_without_a_word(served) -> None:
    async def scene():
        async with served() as service:
            await probe(Target(service.url), OPENAI_GA, "gpt realtime")
        return service

    service = asyncio.run(scene())
    assert service.requests == [("/v1/realtime?model=gpt%20realtime", f"Bearer {SECRET}")]
    assert [(session.heard, session.close[0]) for session in service.sessions] == [([], 1000)]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_as_such_and_not_shown(served, status) -> None:
    async def scene() -> CredentialsRefused:
        async with served() as service:
            service.refusal = Refusal(status, f"wrong key {SECRET}")
            with pytest.raises(CredentialsRefused, match=f"refused the key .HTTP {status}") as failure:
                await probe(Target(service.url), OPENAI_GA, "m")
        return failure.value

    assert SECRET not in str(asyncio.run(scene()))


@pytest.mark.parametrize("status", [404, 429, 503])
def test_any_other_answer_is_a_target_that_cannot_be_used(served, status) -> None:
    async def scene() -> None:
        async with served() as service:
            service.refusal = Refusal(status)
            with pytest.raises(TargetUnreachable, match=f"answered with HTTP {status}, not with a session"):
                await probe(Target(service.url), OPENAI_GA, "m")

    asyncio.run(scene())


def test_a_port_at_which_nobody_listens_cannot_be_reached(refused_url) -> None:
    failure = failure_of(refused_url)
    assert isinstance(failure, TargetUnreachable)
    assert str(failure).startswith(f"{refused_url} cannot be reached (")
    assert "connection refused" in str(failure)


def test_a_name_that_nobody_knows_cannot_be_reached() -> None:
    assert isinstance(failure_of("http://no-such-host.invalid/v1"), TargetUnreachable)


def test_a_service_that_never_answers_is_given_up(silent_port, monkeypatch) -> None:
    monkeypatch.setattr(probe_module, "PROBE_TIMEOUT_S", 0.05)

    async def scene() -> None:
        async with silent_port() as url:
            with pytest.raises(TargetUnreachable, match=r"no answer within 0\.05 s"):
                await probe(Target(url), OPENAI_GA, "m")

    asyncio.run(scene())


def test_a_remote_target_without_a_key_is_not_even_called(monkeypatch) -> None:
    monkeypatch.delenv("RTBENCH_API_KEY")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    failure = failure_of("http://no-such-host.invalid/v1")
    assert isinstance(failure, CredentialsRefused)
    assert "needs a key" in str(failure)


# Over WebRTC a key is asked for.


def ask_for_a_key(handler) -> list[tuple[str, dict]]:
    """What a service heard at its door, that answers with `handler`."""
    heard = []

    async def answer(request: web.Request) -> web.Response:
        assert PROBE_HEADER in request.headers  # a door that is faulty on purpose lets it in
        heard.append((request.headers["Authorization"], await request.json()))
        return handler()

    async def scene() -> None:
        app = web.Application()
        app.router.add_post("/v1/realtime/client_secrets", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            target = Target(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
            await probe_media(target, OPENAI_GA, {"type": "realtime", "model": "m"})
        finally:
            await runner.cleanup()

    asyncio.run(scene())
    return heard


def test_a_call_over_webrtc_is_tried_by_asking_for_its_key() -> None:
    heard = ask_for_a_key(lambda: web.json_response({"value": "ek_1", "expires_at": 1, "session": {}}))

    assert heard == [(f"Bearer {SECRET}", {"session": {"type": "realtime", "model": "m"}})]


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialsRefused), (503, TargetUnreachable)])
def test_a_key_that_is_not_given_is_told(status, kind) -> None:
    with pytest.raises(kind, match=f"HTTP {status}"):
        ask_for_a_key(lambda: web.Response(status=status))


def test_over_webrtc_too_nobody_at_home_is_told(refused_url) -> None:
    with pytest.raises(TargetUnreachable, match="cannot be reached"):
        asyncio.run(probe_media(Target(refused_url), OPENAI_GA, {}))


@pytest.fixture
def offer_to_emulator(corpus_folder):
    """Tries an emulator that knows one key, by an offer; how many calls it has then."""

    async def scene() -> int:
        server = EmulatorServer(load_service(corpus_folder, Profile()), key=SECRET)
        port = await server.start("127.0.0.1", 0)
        try:
            session = {"type": "realtime", "model": "m"}
            await probe_media(Target(f"http://127.0.0.1:{port}/v1"), OPENAI_GA, session, "multipart")
            return server._sessions_open()
        finally:
            await server.stop()

    return lambda: asyncio.run(scene())


def test_a_call_by_key_and_offer_is_tried_by_an_offer_of_nothing(offer_to_emulator) -> None:
    assert offer_to_emulator() == 0


@pytest.mark.parametrize("status", [404, 503])
def test_an_offer_that_is_refused_for_another_reason_is_told(offer_to_emulator, monkeypatch, status) -> None:
    async def refuse(*_) -> None:
        raise HttpError(status, "no", "no")

    monkeypatch.setattr(Calls, "open", refuse)
    with pytest.raises(TargetUnreachable, match=f"HTTP {status}"):
        offer_to_emulator()


def test_a_key_that_is_not_good_for_an_offer_is_told(offer_to_emulator, monkeypatch) -> None:
    monkeypatch.setenv("RTBENCH_API_KEY", "sk-other")
    with pytest.raises(CredentialsRefused, match="HTTP 401"):
        offer_to_emulator()
