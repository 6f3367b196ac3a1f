import asyncio

import pytest

from rtbench.core.errors import CredentialsRefused
from rtbench.core.reconnection import Refused
from rtbench.core.sessions import Session
from rtbench.engine.line import WebSocketLine, refused
from rtbench.engine.plan import Plan
from rtbench.engine.target import Target
from rtbench.transports.connection import ConnectError
from rtbench.transports.websocket import Refusal


class Heard:
    """A receiver that keeps how its connection ended."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.closed = asyncio.Event()

    def on_message(self, message: bytes, arrival_ns: int) -> None: ...

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.closed.set()


def test_a_websocket_carries_the_microphone_and_its_way_is_noted(served, scenario_file) -> None:
    async def scene():
        async with served() as service:
            line, session, begun = (
                WebSocketLine(Plan(scenario_file(), Target(service.url)), alarms=None),
                Session(),
                [],
            )

            def begin(connection) -> Heard:
                begun.append(Heard(connection))
                line.microphone()  # stands before the connection's first message
                return begun[-1]

            await line.dial(begin, session)
            line.microphone()(b'{"type":"input_audio_buffer.append","audio":"AAA="}')
            await line.leave(session)
            begun[0].connection.close()
            await begun[0].closed.wait()
            return session, service.sessions[0].audio

    session, audio = asyncio.run(scene())
    assert audio == b"\0\0"
    assert session.tls_ms is None
    assert session.tcp_ms > 0 and session.upgrade_ms > 0
    assert session.key_ms is None and session.network.codec == ""


def test_a_refusal_is_told_to_whoever_dials(served, scenario_file) -> None:
    async def scene() -> None:
        async with served() as service:
            service.refusal = Refusal(429)
            line = WebSocketLine(Plan(scenario_file(), Target(service.url)), alarms=None)
            with pytest.raises(ConnectError) as failure:
                await line.dial(Heard, Session())
            assert failure.value.error_class == "upgrade_429"

    asyncio.run(scene())


def test_a_failure_to_connect_is_told_as_the_machine_knows_it() -> None:
    error = ConnectError("upgrade", "upgrade_429", "too many", 429)
    assert refused(error) == Refused("upgrade_429", "too many", 429, None)
    error.retry_after_s = 1.5
    assert refused(error) == Refused("upgrade_429", "too many", 429, 1_500_000_000)
    assert refused(CredentialsRefused("no key")) == Refused("credentials_missing", "no key")
