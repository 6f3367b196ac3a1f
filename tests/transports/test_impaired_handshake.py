"""Handshakes and requests behind the simulated network; the waits on a clock of the test's own."""

from __future__ import annotations

import asyncio
import random

import pytest

from rtbench.core.impairment import Conditions, Network
from rtbench.transports import impaired_handshake as module
from rtbench.transports.connection import ConnectError
from rtbench.transports.impaired_handshake import Handshake, ImpairedRequests, handshake_ns, shake_hands

MS = 1_000_000


@pytest.fixture
def clock(monkeypatch):
    """`clock.now`, in nanoseconds; who sleeps moves it on."""

    class Clock:
        now = 0

    async def sleep(seconds: float) -> None:
        Clock.now += round(seconds * 1e9)

    monkeypatch.setattr(module, "monotonic_ns", lambda: Clock.now)
    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return Clock


def network(**conditions) -> Network:
    return Network(Conditions(**conditions), random.Random, 0)


def in_outage() -> Network:
    """Nothing passes in the first minute."""
    cut = network(delay_ms=50, outage_every_ms=10**7, outage_ms=60_000)
    cut.up._outages._offsets = [0]
    return cut


def test_a_handshake_takes_a_round_trip_each_for_tcp_tls_and_the_upgrade() -> None:
    assert handshake_ns(network(delay_ms=50), 0, secure=False) == (100 * MS, 100 * MS, 200 * MS)
    assert handshake_ns(network(delay_ms=50), 0, secure=True) == (100 * MS, 200 * MS, 300 * MS)


@pytest.mark.parametrize(
    ("url", "parts"), [("ws://host/v1", Handshake(100, 0, 100)), ("wss://host/v1", Handshake(100, 100, 100))]
)
def test_each_part_of_the_way_is_told(clock, url: str, parts: Handshake) -> None:
    assert asyncio.run(shake_hands(network(delay_ms=50), url, 10)) == parts
    assert clock.now == parts.total_s * 1e9


def test_a_client_gives_up_in_an_outage_when_its_time_is_over(clock) -> None:
    with pytest.raises(ConnectError) as failure:
        asyncio.run(shake_hands(in_outage(), "ws://host:80/v1?secret=1", 10))

    assert (failure.value.phase, failure.value.error_class) == ("tcp", "connect_timeout")
    assert failure.value.message == "host:80: tcp: no answer within 10 s"
    assert clock.now == 10_000 * MS


def test_the_next_try_does_not_wait_for_what_the_first_one_sends_again(clock) -> None:
    cut = in_outage()
    with pytest.raises(ConnectError):
        asyncio.run(shake_hands(cut, "ws://host/v1", 10))
    clock.now = 60_000 * MS

    assert asyncio.run(shake_hands(cut, "ws://host/v1", 10)) == Handshake(100, 0, 100)


@pytest.mark.parametrize(("secure", "first_ms"), [(False, 200), (True, 300)])
def test_the_first_request_makes_the_connection_and_the_next_uses_it(
    clock, secure: bool, first_ms: int
) -> None:
    async def ask(requests: ImpairedRequests) -> list[int]:
        begun, ends = clock.now, []
        for _ in range(2):
            await requests.ask(100, secure=secure)
            await requests.hear(100)
            ends.append((clock.now - begun) // MS)
        return ends

    assert asyncio.run(ask(ImpairedRequests(network(delay_ms=50)))) == [first_ms, first_ms + 100]


def test_a_request_takes_the_bandwidth_of_its_body(clock) -> None:
    async def ask() -> None:
        narrow = ImpairedRequests(network(up_kbps=8))
        await narrow.ask(0, secure=False)
        begun = clock.now
        await narrow.ask(600 - 400 - 52, secure=False)  # 600 bytes with all headers
        assert clock.now - begun == 600 * MS

    asyncio.run(ask())
