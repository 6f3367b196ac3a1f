"""DTLS between two of ours, without a network: what is lost, forged or cut is in the test's hands."""

from collections import deque

import pytest

from rtbench.transports.webrtc import dtls
from rtbench.transports.webrtc.certificate import Fingerprint, process_certificate
from rtbench.transports.webrtc.dtls import Dtls, prepare

OWN = process_certificate()
RTP = bytes((0x80, 111)) + bytes(10) + b"sound"


class Pair:
    """A client and a server, and the datagrams between them."""

    def __init__(self, client_expects=OWN.fingerprint, server_expects=OWN.fingerprint) -> None:
        self.to_server: deque[bytes] = deque()
        self.to_client: deque[bytes] = deque()
        self.client = Dtls(OWN, (client_expects,), is_client=True, send=self.to_server.append)
        self.server = Dtls(OWN, (server_expects,), is_client=False, send=self.to_client.append)
        self.sizes: list[int] = []

    def start(self):
        self.server.start()
        self.client.start()
        return self

    def deliver(self) -> list[bytes]:
        """Everything under way, and what that causes; gives the messages that came out."""
        messages: list[bytes] = []
        while self.to_server or self.to_client:
            for queue, end in ((self.to_server, self.server), (self.to_client, self.client)):
                while queue:
                    datagram = queue.popleft()
                    self.sizes.append(len(datagram))
                    messages += end.receive(datagram)
        return messages


@pytest.fixture
def pair() -> Pair:
    pair = Pair().start()
    pair.deliver()
    return pair


def test_a_handshake_connects_both_ends_in_small_datagrams(pair) -> None:
    assert (pair.client.state, pair.server.state) == ("connected", "connected")
    assert max(pair.sizes) <= 1200
    assert pair.client.timeout_s() is None


def test_messages_come_out_as_they_were_sent(pair) -> None:
    pair.client.send(b"one")
    pair.client.send(b"two" * 300)
    pair.server.send(b"three")

    assert sorted(pair.deliver()) == [b"one", b"three", b"two" * 300]


def test_both_ends_have_the_same_media_keys(pair) -> None:
    assert pair.server.srtp.unprotect(pair.client.srtp.protect(RTP)) == RTP
    assert pair.client.srtp.unprotect(pair.server.srtp.protect(RTP)) == RTP


def test_a_lost_flight_is_due_again_within_a_second() -> None:
    pair = Pair().start()

    assert 0 < pair.client.timeout_s() <= 1.0
    pair.client.handle_timeout()  # too early: OpenSSL knows its own clock, and sends nothing
    assert len(pair.to_server) == 1
    assert pair.client.state == "connecting"


@pytest.mark.parametrize("liar", ["client", "server"])
def test_a_certificate_that_was_not_announced_is_refused(liar) -> None:
    wrong = Fingerprint("sha-256", "00")
    pair = Pair(**{"server_expects" if liar == "client" else "client_expects": wrong}).start()
    pair.deliver()

    judge = pair.server if liar == "client" else pair.client
    assert judge.state == "failed"
    assert "not the one announced" in judge.failure
    assert judge.srtp is None


def test_a_goodbye_closes_the_other_end(pair) -> None:
    pair.client.close()
    pair.deliver()

    assert (pair.client.state, pair.server.state) == ("closed", "closed")


def test_whoever_falls_silent_says_nothing(pair) -> None:
    pair.client.fall_silent()
    pair.client.send(b"hello?")
    pair.client.close()

    assert not pair.to_server
    assert pair.server.state == "connected"


def test_nothing_is_sent_before_the_handshake_is_done() -> None:
    pair = Pair()
    pair.client.send(b"too early")

    assert not pair.to_server
    assert pair.client.receive(b"\x16\xfe\xfd" + bytes(20)) == []


@pytest.mark.parametrize(
    "datagram", [b"\x17", b"\x17\xfe\xfd" + bytes(30), b"\x15" * 50, bytes(range(20, 64))]
)
def test_forged_datagrams_change_nothing(pair, datagram) -> None:
    assert pair.server.receive(datagram) == []
    assert pair.server.state == "connected"
    pair.client.send(b"still there")
    assert pair.deliver() == [b"still there"]


def test_forged_datagrams_do_not_stop_a_handshake() -> None:
    pair = Pair().start()
    pair.server.receive(b"\x16\xfe\xfd" + bytes(40))
    pair.deliver()

    assert (pair.client.state, pair.server.state) == ("connected", "connected")


def test_what_is_prepared_is_not_made_again() -> None:
    prepare()
    made = dtls._context.cache_info().misses

    Dtls(process_certificate(), (), is_client=True, send=lambda data: None)

    assert dtls._context.cache_info().misses == made > 0
