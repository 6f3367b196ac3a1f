import asyncio
import random

import pytest

from rtbench.clock import monotonic_ns
from rtbench.core.errors import CredentialsRefused
from rtbench.core.impairment import Conditions
from rtbench.core.impairment import Network as Simulated
from rtbench.core.reconnection import Refused
from rtbench.core.sessions import Session
from rtbench.engine import line as line_module
from rtbench.engine.line import WebSocketLine, refused
from rtbench.engine.plan import Plan
from rtbench.engine.target import Target
from rtbench.transports.connection import ConnectError, ConnectTimings
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


# Behind a simulated network.


def behind(plan: Plan, conditions: Conditions) -> WebSocketLine:
    network = Simulated(conditions, random.Random, monotonic_ns())
    return WebSocketLine(plan, alarms=None, network=network)


def test_a_caller_gives_up_in_an_outage_when_a_client_would(scenario_file, monkeypatch) -> None:
    """Not when the outage is over: nobody has even to listen at the target's port."""
    monkeypatch.setattr(line_module, "CONNECT_TIMEOUT_S", 0.05)
    line = behind(Plan(scenario_file(), Target("http://127.0.0.1:1/v1")), Conditions(delay_ms=60_000))

    async def scene() -> ConnectError:
        async with asyncio.timeout(5):
            with pytest.raises(ConnectError) as failure:
                await line.dial(Heard, Session())
        return failure.value

    error = asyncio.run(scene())
    assert (error.phase, error.error_class) == ("tcp", "connect_timeout")
    assert "127.0.0.1:1: tcp: no answer within 0.05 s" in str(error)


def test_each_round_trip_is_booked_to_its_part_of_the_way(scenario_file, monkeypatch) -> None:
    budgets: list[float] = []

    async def connected(url, stand, *, timeout_s, **_):
        budgets.append(timeout_s)
        return None, ConnectTimings(dns_ms=1.0, tcp_ms=2.0, tls_ms=3.0, upgrade_ms=4.0)

    monkeypatch.setattr(line_module, "connect", connected)
    line, session = (
        behind(Plan(scenario_file(), Target("https://127.0.0.1:1/v1")), Conditions(delay_ms=5)),
        Session(),
    )
    asyncio.run(line.dial(Heard, session))

    assert (session.dns_ms, session.tcp_ms, session.tls_ms, session.upgrade_ms) == (1.0, 12.0, 13.0, 14.0)
    assert budgets == [pytest.approx(10 - 0.03)]


def test_how_late_the_simulation_was_goes_into_the_session(scenario_file) -> None:
    line, session = behind(Plan(scenario_file(), Target("http://127.0.0.1:1/v1")), Conditions()), Session()
    assert line._simulated is not None
    line._simulated.error.record(2_000_000)
    line._simulated.error.record(4_000_000)
    asyncio.run(line.leave(session))

    assert (session.network.simulation_late_ms, session.network.simulation_late_max_ms) == (3.0, 4.0)
