"""Receiver statistics against RFC 3550, computed by hand."""

import pytest

from rtbench.transports.webrtc.reception import Reception

MS = 1_000_000


def received(sequences, clock_rate_hz: int = 8_000) -> Reception:
    """Packets of 20 ms that arrive on time, by their sequence numbers."""
    reception = Reception(clock_rate_hz)
    for sequence in sequences:
        reception.receive(sequence & 0xFFFF, sequence * 160 & 0xFFFF_FFFF, sequence * 20 * MS)
    return reception


def test_nothing_received() -> None:
    reception = Reception(48_000)

    assert (reception.expected, reception.lost, reception.fraction_lost(), reception.jitter_ms) == (
        0,
        0,
        0,
        0.0,
    )


@pytest.mark.parametrize(
    ("sequences", "expected", "lost"),
    [
        ([5], 1, 0),
        ([5, 6, 7], 3, 0),
        ([5, 7, 9], 5, 2),
        ([5, 7, 6], 3, 0),  # reordered
        ([65_534, 65_535, 65_536, 65_538], 5, 1),  # the number wraps
        ([65_535, 65_537, 65_536], 3, 0),  # reordered over the wrap
        ([7, 6], 1, -1),  # the first was late: RFC 3550 counts from the first seen
    ],
)
def test_lost_is_what_the_numbers_say_less_what_came(sequences, expected, lost) -> None:
    reception = received(sequences)

    assert (reception.expected, reception.lost) == (expected, lost)


def test_the_highest_sequence_counts_its_cycles() -> None:
    assert received([65_535, 65_536, 65_537]).highest_sequence == 65_537


def test_a_sender_that_begins_anew_loses_nothing() -> None:
    reception = received([1, 2, 3])
    for number in (40_000, 40_001):
        reception.receive(number, number * 160, number * 20 * MS)

    assert (reception.expected, reception.received, reception.lost) == (5, 5, 0)


def test_the_fraction_is_that_since_the_last_report() -> None:
    reception = received([0, 1, 3])  # 1 of 4

    assert reception.fraction_lost() == 64
    assert reception.fraction_lost() == 0
    reception.receive(4, 640, 80 * MS)
    reception.receive(6, 960, 120 * MS)  # 1 of 3: 85.33

    assert reception.fraction_lost() == 85


def test_duplicates_do_not_make_the_fraction_negative() -> None:
    reception = received([0, 1, 1])

    assert reception.fraction_lost() == 0


def test_jitter_of_packets_on_time_is_zero() -> None:
    assert received(range(50)).jitter_ms == 0.0


def test_jitter_follows_the_formula_of_rfc_3550() -> None:
    reception = Reception(8_000)
    for number, arrival_ms in enumerate((0, 20, 48, 60)):  # the third is 8 ms late
        reception.receive(number, number * 160, arrival_ms * MS)

    # J = J + (|D| - J) / 16, with D = 0, 64, -64 ticks: 4, then 4 + 60 / 16.
    assert reception.jitter_ticks == pytest.approx(7.75)
    assert reception.jitter_ms == pytest.approx(7.75 / 8)


def test_jitter_survives_the_wrap_of_the_timestamp() -> None:
    reception = Reception(8_000)
    for number in range(4):
        reception.receive(number, (0xFFFF_FFFF - 200 + number * 160) & 0xFFFF_FFFF, number * 20 * MS)

    assert reception.jitter_ms == 0.0
