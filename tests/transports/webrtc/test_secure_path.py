"""The handshake over ICE: what comes too early, and what goes wrong."""

import asyncio

import pytest

from rtbench.transports.webrtc.certificate import Fingerprint, process_certificate
from rtbench.transports.webrtc.description import RemoteDescription
from rtbench.transports.webrtc.dtls import Dtls
from rtbench.transports.webrtc.secure_path import SecurePath

OWN = process_certificate()


class Wire:
    """Stands for ICE: keeps what is sent."""

    def __init__(self) -> None:
        self.listener = None
        self.sent: list[bytes] = []

    def send_now(self, data: bytes) -> None:
        self.sent.append(data)

    def is_silent(self, now_ns: int) -> bool:
        return now_ns > 10

    bytes_sent, bytes_received = 11, 22

    async def close(self) -> None:
        self.sent.append(b"closed")


class Ears:
    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def __getattr__(self, name: str):
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *arguments: self.heard.append((name, *arguments))

    def named(self, name: str) -> list[tuple]:
        return [one[1:] for one in self.heard if one[0] == name]


def remote(fingerprint: Fingerprint = OWN.fingerprint) -> RemoteDescription:
    return RemoteDescription("u", "p", False, (), (fingerprint,), "auto", {}, True, 5000, 65_536)


@pytest.fixture
def inside():
    """Runs a function in an event loop, where timers can be set."""

    def run(steps) -> None:
        async def body() -> None:
            steps()

        asyncio.run(body())

    return run


def shake_hands(path: SecurePath, wire: Wire, other: Dtls, out: list[bytes]) -> None:
    while wire.sent or out:
        while wire.sent:
            other.receive(wire.sent.pop(0))
        while out:
            path.on_datagram(out.pop(0), 7)


@pytest.mark.parametrize("is_client", [True, False])
def test_from_the_nomination_to_keys(inside, is_client) -> None:
    def steps() -> None:
        wire, ears, out = Wire(), Ears(), []
        path = SecurePath(wire, remote(), ears, is_dtls_client=is_client)
        other = Dtls(OWN, (OWN.fingerprint,), is_client=not is_client, send=out.append)
        other.start()
        path.on_nominated(5)
        path.on_nominated(6)  # another pair: nothing new
        shake_hands(path, wire, other, out)

        assert ears.named("on_nominated") == [(5,)]
        ((srtp, _),) = ears.named("on_secured")
        assert other.srtp.unprotect(srtp.protect(bytes((0x80, 0)) + bytes(20)))
        assert wire.listener is path and path.is_dtls_client is is_client

        other.send(b"sctp")
        path.on_datagram(out.pop(), 9)
        path.on_datagram(b"\x80media", 10)
        assert ears.named("on_channel_packet") == [(b"sctp", 9)]
        assert ears.named("on_media") == [(b"\x80media", 10)]
        other.close()
        path.on_datagram(out.pop(), 11)
        assert ears.named("on_goodbye") == [("the peer said goodbye",)]
        path.stop(says_goodbye=True)

    inside(steps)


def test_a_flight_that_came_before_the_nomination_is_not_lost(inside) -> None:
    def steps() -> None:
        wire, ears, out = Wire(), Ears(), []
        path = SecurePath(wire, remote(), ears, is_dtls_client=False)
        other = Dtls(OWN, (OWN.fingerprint,), is_client=True, send=out.append)
        other.start()
        path.on_datagram(out.pop(), 1)
        assert not wire.sent
        path.on_nominated(2)
        assert wire.sent
        shake_hands(path, wire, other, out)
        assert len(ears.named("on_secured")) == 1
        path.stop(says_goodbye=False)

    inside(steps)


def test_a_certificate_that_was_not_announced_fails(inside) -> None:
    def steps() -> None:
        wire, ears, out = Wire(), Ears(), []
        path = SecurePath(wire, remote(Fingerprint("sha-256", "00")), ears, is_dtls_client=True)
        other = Dtls(OWN, (OWN.fingerprint,), is_client=False, send=out.append)
        other.start()
        path.on_nominated(1)
        shake_hands(path, wire, other, out)

        assert not ears.named("on_secured")
        assert ears.named("on_failed")[0][0] == "dtls_failed"
        path.stop(says_goodbye=False)

    inside(steps)


def test_consent_and_silence_are_passed_on(inside) -> None:
    def steps() -> None:
        wire, ears = Wire(), Ears()
        path = SecurePath(wire, remote(), ears, is_dtls_client=True)
        path.on_consent(12.5, 1)
        path.on_consent(None, 2)
        path.on_consent_expired(3)

        assert ears.named("on_round_trip") == [(12.5, 1)]
        assert ears.named("on_failed")[0][0] == "consent_expired"
        assert (path.is_silent(10), path.is_silent(11)) == (False, True)
        assert (path.bytes_sent, path.bytes_received) == (11, 22)

    inside(steps)


def test_the_release_closes_the_sockets() -> None:
    async def steps() -> None:
        wire = Wire()
        path = SecurePath(wire, remote(), Ears(), is_dtls_client=True)
        await path.release()
        assert wire.sent == [b"closed"]
        assert wire.listener is None

    asyncio.run(steps())
