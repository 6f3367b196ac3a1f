from __future__ import annotations

import numpy as np
import pytest

from rtbench.core.codec import OPUS
from rtbench.corpus.packets import encode_packets
from rtbench.emulator.shared_decoder import WARM_UP_PACKETS, KnownPackets, SharedDecoder
from rtbench.transports.webrtc import decoder


class Remembering:
    """A decoder whose samples tell all that it has heard since its last gap."""

    rate_hz = 24_000

    def __init__(self) -> None:
        self.heard = b""
        self.decoded = 0

    def decode(self, payload: bytes):
        if payload == b"!":
            raise ValueError("no packet")
        self.heard += payload
        self.decoded += 1
        return np.frombuffer(self.heard, np.uint8)

    def gap(self) -> None:
        self.heard = b""


def heard(shared: SharedDecoder, packets: bytes) -> list[bytes]:
    return [shared.decode(bytes([packet])).tobytes() for packet in packets]


@pytest.fixture
def known() -> KnownPackets:
    return KnownPackets()


def test_what_one_caller_has_said_is_not_decoded_for_another(known):
    first, second = Remembering(), Remembering()
    said = heard(SharedDecoder(first, known), b"abc")
    assert heard(SharedDecoder(second, known), b"abc") == said == [b"a", b"ab", b"abc"]
    assert (first.decoded, second.decoded) == (3, 0)


def test_the_same_packet_after_another_one_is_not_the_same(known):
    heard(SharedDecoder(Remembering(), known), b"abc")
    other = Remembering()
    assert heard(SharedDecoder(other, known), b"xc") == [b"x", b"xc"]


def test_a_decoder_that_did_not_hear_what_was_known_is_told_before_it_goes_on(known):
    heard(SharedDecoder(Remembering(), known), b"abcdefghijk")
    own = Remembering()
    shared = SharedDecoder(own, known)
    assert heard(shared, b"abcdefghijk!"[:11])[-1] == b"abcdefghijk"
    assert own.decoded == 0
    assert heard(shared, b"z") == [b"abcdefghijk"[-WARM_UP_PACKETS:] + b"z"]
    assert heard(shared, b"y") == [b"abcdefghijk"[-WARM_UP_PACKETS:] + b"zy"]


def test_after_a_gap_nothing_came_before(known):
    own = Remembering()
    shared = SharedDecoder(own, known)
    heard(shared, b"ab")
    shared.gap()
    assert heard(shared, b"b") == [b"b"]
    assert heard(SharedDecoder(Remembering(), known), b"ab") == [b"a", b"ab"]


def test_what_is_no_packet_is_told_and_not_remembered(known):
    shared = SharedDecoder(Remembering(), known)
    heard(shared, b"a")
    with pytest.raises(ValueError, match="no packet"):
        shared.decode(b"!")
    assert heard(shared, b"b") == [b"ab"]
    assert len(known) == 2


def test_the_oldest_is_forgotten_first():
    known = KnownPackets(most=2)
    heard(SharedDecoder(Remembering(), known), b"abc")
    again = Remembering()
    heard(SharedDecoder(again, known), b"a")
    assert (again.decoded, len(known)) == (1, 2)


def test_in_opus_it_sounds_as_from_a_decoder_of_one_s_own(make_tone, known):
    """The same clip, first spoken at the beginning, then after another one."""
    clip, other = (
        encode_packets(make_tone(600, frequency_hz=frequency), 24_000, OPUS) for frequency in (300, 700)
    )
    shared = SharedDecoder(decoder(OPUS), known)
    for packet in clip:
        shared.decode(packet)
    shared, own = SharedDecoder(decoder(OPUS), known), decoder(OPUS)
    heard_shared = np.concatenate([shared.decode(packet) for packet in other + clip]).astype(float)
    heard_own = np.concatenate([own.decode(packet) for packet in other + clip]).astype(float)
    error = heard_shared - heard_own
    assert error @ error < 1e-5 * (heard_own @ heard_own)
