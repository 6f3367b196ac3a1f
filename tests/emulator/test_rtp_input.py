from __future__ import annotations

import numpy as np
import pytest

from rtbench.core.audio import PCM16, PCMU
from rtbench.core.codec import G711_MU, OPUS
from rtbench.emulator.rtp_input import REORDER_PACKETS, RtpInput
from rtbench.transports.webrtc import RtpPacket

SILENCE = b"\xff" * 160
"""20 ms of mu-law zeros."""


def packet(number: int, *, sequence_0: int = 0, ticks_0: int = 0, ssrc: int = 1) -> RtpPacket:
    """The nth packet of a stream, filled with its number."""
    sequence, ticks = (sequence_0 + number) % (1 << 16), (ticks_0 + 160 * number) % (1 << 32)
    return RtpPacket(sequence, ticks, False, 0, ssrc, bytes([number]) * 160)


def audio(*numbers: int | None) -> bytes:
    return b"".join(SILENCE if number is None else bytes([number]) * 160 for number in numbers)


@pytest.fixture
def mu_law(mu_law_decoder) -> RtpInput:
    return RtpInput(G711_MU, mu_law_decoder)


def test_packets_in_order_come_out_as_they_come_in(mu_law):
    assert mu_law.fmt == PCMU
    assert [mu_law.receive(packet(n)) for n in range(3)] == [audio(0), audio(1), audio(2)]
    assert (mu_law.lost, mu_law.late) == (0, 0)


@pytest.mark.parametrize(
    ("sequence_0", "ticks_0"), [(0xFFFE, 0), (0, (1 << 32) - 200), (0xFFFF, (1 << 32) - 160)]
)
def test_numbers_and_timestamps_wrap_around(mu_law, sequence_0, ticks_0):
    stream = [packet(n, sequence_0=sequence_0, ticks_0=ticks_0) for n in (0, 1, 3, 2, 4)]
    assert b"".join(map(mu_law.receive, stream)) == audio(0, 1, 2, 3, 4)


def test_one_that_was_overtaken_is_put_in_its_place(mu_law):
    assert [mu_law.receive(packet(n)) for n in (0, 2, 3, 1)] == [audio(0), b"", b"", audio(1, 2, 3)]
    assert mu_law.lost == 0


def test_one_that_is_missing_is_silence_of_its_length_once_enough_others_have_come(mu_law):
    mu_law.receive(packet(0))
    later = [mu_law.receive(packet(n)) for n in range(3, 3 + REORDER_PACKETS + 1)]
    assert later == [b""] * REORDER_PACKETS + [audio(None, None, 3, 4, 5, 6)]
    assert mu_law.lost == 2
    assert [mu_law.receive(packet(n)) for n in (1, 5, 7)] == [b"", b"", audio(7)]
    assert mu_law.late == 2


def test_a_pause_without_packets_is_silence_of_its_length(mu_law):
    mu_law.receive(packet(0))
    resumed = RtpPacket(1, 160 + 5 * 160, True, 0, 1, bytes([1]) * 160)
    assert mu_law.receive(resumed) == audio(*[None] * 5, 1)
    assert mu_law.lost == 0


def test_timestamps_that_leap_by_more_than_a_minute_fill_in_nothing(mu_law):
    mu_law.receive(packet(0))
    assert mu_law.receive(RtpPacket(1, 160 + 60 * 8_000 + 1, False, 0, 1, bytes([1]) * 160)) == audio(1)
    assert mu_law.receive(RtpPacket(2, 7, False, 0, 1, bytes([2]) * 160)) == audio(2)


def test_an_empty_packet_says_nothing_about_the_time(mu_law):
    mu_law.receive(packet(0))
    assert mu_law.receive(RtpPacket(1, 7, False, 0, 1, b"")) == b""
    assert mu_law.receive(RtpPacket(2, 160, False, 0, 1, bytes([1]) * 160)) == audio(1)


def test_another_stream_begins_with_numbers_of_its_own(mu_law, mu_law_decoder):
    for n in (100, 102):
        mu_law.receive(packet(n))
    gaps = mu_law_decoder.gaps
    assert [mu_law.receive(packet(n, ssrc=2)) for n in (0, 1)] == [audio(0), audio(1)]
    assert mu_law_decoder.gaps == gaps + 1


class StubbornDecoder:
    """Opus packets hold as many samples as their first byte says hundreds; none is no packet."""

    rate_hz = 24_000

    def decode(self, payload: bytes):
        if not payload:
            raise ValueError("not Opus")
        return np.ones(payload[0] * 100, np.int16)

    def gap(self) -> None:
        """Nothing is remembered."""


def test_the_clock_follows_what_packets_hold_whatever_their_length():
    opus = RtpInput(OPUS, StubbornDecoder())
    assert opus.fmt == PCM16
    assert len(opus.receive(RtpPacket(0, 0, False, 111, 1, b"\x18"))) == 2 * 2_400
    # 4,800 ticks of 48 kHz were held; 960 more are silence.
    held = opus.receive(RtpPacket(1, 5_760, False, 111, 1, b"\x01"))
    assert held == bytes(2 * 480) + np.ones(100, np.int16).tobytes()
    assert opus.receive(RtpPacket(2, 5_960, False, 111, 1, b"")) == bytes(2 * 480)
