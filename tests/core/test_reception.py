import random

import pytest

from rtbench.core.reception import REMEMBERED, Reception, burst_lengths
from rtbench.transports.webrtc.rtp import RtpPacket

MS = 1_000_000


def packet(sequence: int, ticks: int | None = None, *, marker: bool = False, ssrc: int = 1) -> RtpPacket:
    timestamp = (sequence * 160 if ticks is None else ticks) % (1 << 32)
    return RtpPacket(sequence % (1 << 16), timestamp, marker, 0, ssrc, bytes(160))


def received(*arrivals: tuple[int, float]) -> Reception:
    """A stream of G.711 packets of these sequence numbers, each at so many ms."""
    reception = Reception(8_000)
    for sequence, at_ms in arrivals:
        reception.receive(packet(sequence), round(at_ms * MS))
    return reception


def test_what_is_missing_between_the_lowest_and_the_highest_number_is_lost() -> None:
    reception = received((10, 0), (11, 20), (14, 80), (15, 100))

    assert (reception.expected, reception.received, reception.lost) == (6, 4, 2)
    assert (reception.reordered, reception.duplicated) == (0, 0)


def test_a_packet_that_was_overtaken_is_not_lost_and_a_double_is_counted_once() -> None:
    reception = received((65_534, 0), (65_536, 20), (65_535, 25), (65_535, 26), (65_537, 60))

    assert (reception.expected, reception.received, reception.lost) == (4, 4, 0)
    assert (reception.reordered, reception.duplicated) == (1, 1)


def test_a_packet_comes_back_in_its_place() -> None:
    reception = Reception(8_000)
    reception.receive(packet(65_535, (1 << 32) - 160), 0)
    arrival = reception.receive(packet(65_536, 0, marker=True), 20 * MS)

    assert arrival is not None
    assert (arrival.sequence, arrival.ticks, arrival.marker, arrival.at_ns) == (
        65_536,
        1 << 32,
        True,
        20 * MS,
    )
    assert reception.receive(packet(65_536, 0), 21 * MS) is None


def test_a_stream_on_time_has_no_jitter() -> None:
    reception = received(*((number, 20 * number) for number in range(100)))

    assert (reception.jitter_ns, reception.jitter_mean_ns, reception.jitter_max_ns) == (0, 0, 0)


def test_jitter_is_the_running_estimate_of_rfc_3550() -> None:
    reception = received((0, 0), (1, 28), (2, 40), (3, 60))
    by_hand, estimates = 0.0, []
    for difference in (8, 8, 0):
        by_hand += (difference - by_hand) / 16
        estimates.append(by_hand)

    assert reception.jitter_ns == pytest.approx(by_hand * MS)
    assert reception.jitter_mean_ns == pytest.approx(sum(estimates) / 3 * MS)
    assert reception.jitter_max_ns == pytest.approx(max(estimates) * MS)


def test_jitter_of_alternating_delays_converges_to_their_difference() -> None:
    reception = received(*((number, 20 * number + 6 * (number % 2)) for number in range(400)))

    assert reception.jitter_ns == pytest.approx(6 * MS, rel=1e-3)


def test_a_pause_of_the_sender_is_no_jitter_whether_it_is_marked_or_not() -> None:
    reception = Reception(8_000)
    reception.receive(packet(0, 0), 0)
    reception.receive(packet(1, 160, marker=True), 90 * MS)
    reception.receive(packet(2, 320), 3_000 * MS)

    assert reception.jitter_mean_ns is None


# A sender that begins anew (RFC 3550, A.1).


def test_another_source_has_numbers_and_a_clock_of_its_own() -> None:
    reception = Reception(8_000)
    for number in range(100):
        reception.receive(packet(number), (20 * number + 4 * (number % 2)) * MS)
    jitter_ns = reception.jitter_ns
    for number in range(100):
        sent_ms = 2_000 + 20 * number
        reception.receive(packet(40_000 + number, 7 + 160 * number, ssrc=2), sent_ms * MS)

    assert (reception.expected, reception.received, reception.lost) == (200, 200, 0)
    assert (reception.reordered, reception.duplicated, reception.burst_ratio) == (0, 0, 1.0)
    assert jitter_ns > 3.9 * MS
    assert (reception.jitter_ns, reception.jitter_max_ns) == (0, jitter_ns)


def test_what_another_source_loses_counts_and_latecomers_of_the_first_find_their_place() -> None:
    reception = Reception(8_000)
    numbers = [(1, 10), (1, 11), (1, 13), (2, 10), (1, 12), (2, 11), (2, 11), (2, 13)]
    for count, (ssrc, number) in enumerate(numbers):
        reception.receive(packet(number, ssrc=ssrc), 20 * count * MS)

    assert (reception.expected, reception.received, reception.lost) == (8, 7, 1)
    assert (reception.reordered, reception.duplicated) == (1, 1)


@pytest.mark.parametrize("ssrc", [1, 2])
@pytest.mark.parametrize("begins_at", [3, 30_000])
def test_a_source_that_begins_anew_goes_on_in_the_order_of_arrival(ssrc: int, begins_at: int) -> None:
    reception = Reception(8_000)
    first = reception.receive(packet(65_000), 0)
    second = reception.receive(packet(begins_at, 1 << 31, ssrc=ssrc), 58 * MS)
    third = reception.receive(packet(begins_at + 1, (1 << 31) + 160, ssrc=ssrc), 78 * MS)

    assert first is not None and second is not None and third is not None
    if (ssrc, begins_at) == (1, 3):  # 538 missing ones, and the clock that went with them
        assert (second.sequence, reception.lost) == (65_539, 538)
        return
    assert first.sequence < second.sequence == third.sequence - 1
    assert (second.ticks - first.ticks, third.ticks - second.ticks) == (3 * 160, 160)
    assert reception.lost == 0


def test_a_minute_of_losses_is_no_new_beginning() -> None:
    assert received((10, 0), (3_009, 20)).lost == 2_998
    assert received((10, 0), (5_000, 20)).lost == 0


def test_random_loss_has_a_burst_ratio_near_1() -> None:
    draw = random.Random(5)
    kept = [number for number in range(20_000) if draw.random() > 0.1]
    reception = received(*((number, 20 * number) for number in kept))

    assert reception.lost / reception.expected == pytest.approx(0.1, abs=0.01)
    assert reception.burst_ratio == pytest.approx(1.0, abs=0.03)


def test_losses_in_threes_have_their_burst_ratio() -> None:
    kept = [number for number in range(3 * REMEMBERED) if number % 30 not in (10, 11, 12)]
    reception = received(*((number, 20 * number) for number in kept))

    assert reception.burst_ratio == pytest.approx(3 * 0.9, rel=0.01)


def test_without_losses_the_burst_ratio_is_1() -> None:
    assert received((0, 0), (1, 20)).burst_ratio == 1.0
    assert Reception(8_000).burst_ratio == 1.0


def test_little_is_remembered_of_a_long_stream() -> None:
    reception = received(*((number, 20 * number) for number in range(0, 20_000, 2)))

    assert reception.lost == 9_999
    assert max(len(reception._seen), len(reception._open_losses)) <= 2 * REMEMBERED


def test_runs_of_numbers() -> None:
    assert burst_lengths([3, 4, 7, 9, 10, 11]) == [2, 1, 3]
    assert burst_lengths([]) == []
