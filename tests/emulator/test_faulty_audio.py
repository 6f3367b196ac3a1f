"""Broken audio, by independent decoders: what is cut short is no packet, and what is lost is not there."""

from __future__ import annotations

import pytest

from rtbench.core.audio import Audio
from rtbench.core.codec import CODECS
from rtbench.core.rtp import is_whole, payload_ticks
from rtbench.emulator.faulty_audio import LOST, cut_short, lose, with_half_a_sample
from rtbench.transports.webrtc import decoder

OPUS = bytes.fromhex("f8fffe")
"""20 ms of silence of one CELT frame, as libopus writes it."""


def test_a_delta_ends_in_mid_sample() -> None:
    assert with_half_a_sample(Audio(b"1234")).data == b"1234\x00"


@pytest.mark.parametrize(
    ("codec", "packet"), [("opus", OPUS), ("pcmu", b"\xff" * 160), ("pcma", b"\x55" * 160)]
)
def test_only_the_last_packet_of_a_piece_is_cut_short_and_is_none_any_more(codec: str, packet: bytes) -> None:
    *whole, broken = cut_short((packet, packet))

    assert whole == [packet]
    assert is_whole(CODECS[codec], payload_ticks(CODECS[codec], packet))
    assert not is_whole(CODECS[codec], payload_ticks(CODECS[codec], broken))


def test_libopus_refuses_it_too() -> None:
    assert len(decoder(CODECS["opus"]).decode(OPUS)) == 480
    with pytest.raises(ValueError):
        decoder(CODECS["opus"]).decode(cut_short((OPUS,))[0])


def test_the_first_packets_are_lost_and_nothing_else_is_touched() -> None:
    packets = (b"a", b"b", b"c")

    assert lose(packets, 2) == (LOST, LOST, b"c")
    assert lose(packets, 0) is packets


def test_what_is_lost_already_cannot_be_cut_short() -> None:
    assert cut_short((b"a", LOST)) == (b"a", LOST)
    assert cut_short(()) == ()
