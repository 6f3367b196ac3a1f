"""ICE on loopback sockets; what is leant on in aioice is checked by name."""

import asyncio
import inspect
import time
from contextlib import asynccontextmanager

import aioice
import pytest
from aioice import Candidate
from aioice.ice import StunProtocol

from rtbench.transports.webrtc.events import Datagram
from rtbench.transports.webrtc.ice import ConsentPace, IceConnection, addresses_for, is_usable


class Ears:
    """What hears the sockets of one end."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[bytes, int]] = []
        self.nominated: list[int] = []
        self.round_trips: list[float | None] = []
        self.expired: list[int] = []
        self.changed = asyncio.Event()

    def on_datagram(self, data: bytes, arrival_ns: int) -> None:
        self.datagrams.append((data, arrival_ns))
        self.changed.set()

    def on_nominated(self, now_ns: int) -> None:
        self.nominated.append(now_ns)
        self.changed.set()

    def on_consent(self, round_trip_ms: float | None, now_ns: int) -> None:
        self.round_trips.append(round_trip_ms)
        self.changed.set()

    def on_consent_expired(self, now_ns: int) -> None:
        self.expired.append(now_ns)
        self.changed.set()

    async def until(self, predicate) -> None:
        async with asyncio.timeout(10):
            while not predicate(self):
                self.changed.clear()
                await self.changed.wait()


async def make(is_controlling: bool, consent: ConsentPace, path=None) -> IceConnection:
    ice = IceConnection(is_controlling=is_controlling, addresses=("127.0.0.1",), consent=consent, path=path)
    await ice.gather_candidates()
    ice.listener = Ears()
    return ice


async def introduce(ice: IceConnection, other: IceConnection, *, candidates: bool = True) -> None:
    ice.remote_username, ice.remote_password = other.local_username, other.local_password
    if candidates:
        for candidate in other.local_candidates:
            await ice.add_remote_candidate(candidate)
        await ice.add_remote_candidate(None)


@asynccontextmanager
async def pair(consent, *, candidates: bool = True, path=None):
    near, far = await make(True, consent, path), await make(False, consent)
    await introduce(near, far)
    await introduce(far, near, candidates=candidates)
    connecting = asyncio.gather(near.connect(), far.connect())
    try:
        await near.listener.until(lambda ears: ears.nominated)
        await far.listener.until(lambda ears: ears.nominated)
        await connecting
        yield near, far
    finally:
        await near.close()
        await far.close()


def test_only_loopback_is_gathered_where_loopback_was_asked_for(run, patient) -> None:
    async def steps() -> None:
        ice = await make(True, patient)
        assert [(one.host, one.type, one.transport) for one in ice.local_candidates] == [
            ("127.0.0.1", "host", "udp")
        ]
        await ice.close()

    run(steps())


@pytest.mark.parametrize("candidates", [True, False], ids=["candidates", "hidden candidates"])
def test_two_ends_find_each_other_and_datagrams_pass(run, patient, candidates) -> None:
    async def steps() -> None:
        async with pair(patient, candidates=candidates) as (near, far):
            near.send_now(b"\x80media")
            far.send_now(b"\x16dtls")
            await near.listener.until(lambda ears: ears.datagrams)
            await far.listener.until(lambda ears: ears.datagrams)
            assert far.listener.datagrams[0][0] == b"\x80media"
            assert near.listener.datagrams[0][0] == b"\x16dtls"
            assert near.bytes_sent >= len(b"\x80media")
            assert far.last_arrival_ns >= far.listener.datagrams[0][1]

    run(steps())


def test_consent_is_asked_again_and_again_and_measures_the_way(run, patient) -> None:
    async def steps() -> None:
        async with pair(patient) as (near, _):
            await near.listener.until(lambda ears: len(ears.round_trips) >= 3)
            assert all(0 < trip < 500 for trip in near.listener.round_trips)

    run(steps())


def test_a_round_trip_ends_when_its_answer_came_and_not_when_somebody_had_the_time(run, patient) -> None:
    async def steps() -> None:
        async with pair(patient) as (near, _):
            sock = near._way[0]
            take = sock.datagram_received

            def hold_up(data: bytes, address) -> None:
                take(data, address)
                if data[0] == 1:  # an answer (RFC 8489, 5), whose asker is told in the loop's next round
                    time.sleep(0.1)

            sock.datagram_received = hold_up
            near.listener.round_trips.clear()
            await near.listener.until(lambda ears: len(ears.round_trips) >= 4)
            assert min(near.listener.round_trips) < 100

    run(steps())


def test_consent_expires_when_the_other_side_is_gone(run, quick) -> None:
    async def steps() -> None:
        async with pair(quick) as (near, far):
            await far.close()
            await near.listener.until(lambda ears: ears.expired)
            assert near.is_silent(near.last_arrival_ns + int(0.11e9))
            assert not near.is_silent(near.last_arrival_ns + int(0.09e9))

    run(steps())


def test_after_the_close_nothing_is_sent(run, patient) -> None:
    async def steps() -> None:
        async with pair(patient) as (near, far):
            await near.close()
            sent = near.bytes_sent
            near.send_now(b"\x80late")
            assert near.bytes_sent == sent
            assert not near.is_connected and far.is_connected

    run(steps())


def test_what_looks_like_stun_and_is_not_is_kept_nowhere(run, patient) -> None:
    async def steps() -> None:
        async with pair(patient) as (near, far):
            for _ in range(10):
                near.send_now(b"\x00nonsense")
            near.send_now(b"\x80last")
            await far.listener.until(lambda ears: ears.datagrams)
            assert far._queue.qsize() == 0
            assert [data for data, _ in far.listener.datagrams] == [b"\x80last"]

    run(steps())


def test_a_path_sees_every_datagram_both_ways(run, patient) -> None:
    seen: dict[str, list[Datagram]] = {"out": [], "in": []}

    class Path:
        """Passes everything on but what ends in `lost`."""

        def __init__(self, to_socket, to_peer) -> None:
            self._to_socket, self._to_peer = to_socket, to_peer

        def send(self, datagram: Datagram) -> None:
            seen["out"].append(datagram)
            if not datagram.data.endswith(b"lost"):
                self._to_socket(datagram)

        def deliver(self, datagram: Datagram) -> None:
            seen["in"].append(datagram)
            if not datagram.data.endswith(b"lost"):
                self._to_peer(datagram)

    async def steps() -> None:
        async with pair(patient, path=Path) as (near, far):
            for text in (b"\x80 lost", b"\x80 kept"):
                near.send_now(text)
                far.send_now(text)
            await near.listener.until(lambda ears: ears.datagrams)
            await far.listener.until(lambda ears: ears.datagrams)
            for ears in (near.listener, far.listener):
                assert [data for data, _ in ears.datagrams] == [b"\x80 kept"]

    run(steps())
    for way in ("out", "in"):
        assert any(datagram.data[0] < 4 for datagram in seen[way]), "ICE's own checks pass it, too"
        assert all(datagram.address[0] == "127.0.0.1" for datagram in seen[way])


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("localhost", ("127.0.0.1",)),
        ("127.0.0.1", ("127.0.0.1",)),
        ("127.0.0.2", ("127.0.0.2",)),
        ("::1", ("::1",)),
        ("192.0.2.7", ()),
        ("api.example", ()),
    ],
)
def test_loopback_stays_on_loopback(host, addresses) -> None:
    assert addresses_for(host) == addresses


def test_a_wildcard_takes_loopback_beside_all_others() -> None:
    assert addresses_for("0.0.0.0")[-1] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "transport", "usable"),
    [
        ("127.0.0.1", "udp", True),
        ("127.0.0.1", "UDP", True),
        ("127.0.0.1", "tcp", False),
        ("a-b.local", "udp", False),
    ],
)
def test_hidden_and_tcp_candidates_are_not_checked(host, transport, usable) -> None:
    assert is_usable(Candidate("f", 1, transport, 1, host, 9, "host")) is usable


@pytest.mark.parametrize(
    ("owner", "method", "parameters"),
    [
        (aioice.Connection, "get_component_candidates", ["self", "component", "addresses", "timeout"]),
        (aioice.Connection, "check_complete", ["self", "pair"]),
        (aioice.Connection, "query_consent", ["self"]),
        (aioice.Connection, "data_received", ["self", "data", "component"]),
        (aioice.Connection, "build_request", ["self", "pair", "nominate"]),
        (StunProtocol, "datagram_received", ["self", "data", "addr"]),
        (StunProtocol, "connection_lost", ["self", "exc"]),
        (StunProtocol, "send_stun", ["self", "message", "addr"]),
        (StunProtocol, "request", ["self", "request", "addr", "integrity_key", "retransmissions"]),
    ],
)
def test_aioice_still_has_what_is_leant_on(owner, method, parameters) -> None:
    assert list(inspect.signature(getattr(owner, method)).parameters) == parameters


def test_aioice_still_keeps_its_sockets_in_a_list() -> None:
    async def steps() -> None:
        assert aioice.Connection(ice_controlling=True)._protocols == []

    asyncio.run(steps())
