import random

import pytest

from rtbench.core.codec import G711_A, G711_MU, OPUS
from rtbench.core.rtp import Unwrapped, is_whole, payload_ticks


def test_a_counter_goes_on_where_it_wraps() -> None:
    counter = Unwrapped(16)

    assert [counter.count(value) for value in (65_534, 65_535, 0, 1, 65_535, 2)] == [
        65_534,
        65_535,
        65_536,
        65_537,
        65_535,
        65_538,
    ]


def test_the_first_value_is_itself_and_an_earlier_one_may_lie_below_zero() -> None:
    counter = Unwrapped(16)

    assert [counter.count(value) for value in (1, 65_535)] == [1, -1]


@pytest.mark.parametrize("bits", [16, 32])
def test_a_long_count_with_losses_and_swaps_is_found_again(bits) -> None:
    draw = random.Random(3)
    value = (1 << bits) - 40
    truth = [value]
    for _ in range(2_000):
        value += draw.choice([1, 1, 1, 2, 960])
        truth.append(value)
    for at in range(1, len(truth) - 1, 7):
        truth[at], truth[at + 1] = truth[at + 1], truth[at]
    counter = Unwrapped(bits)

    assert [counter.count(value % (1 << bits)) for value in truth] == truth


@pytest.mark.parametrize("codec", [G711_MU, G711_A], ids=lambda codec: codec.name)
def test_g711_lasts_a_tick_a_byte(codec) -> None:
    assert payload_ticks(codec, bytes(160)) == 160
    assert payload_ticks(codec, b"") == 0


@pytest.mark.parametrize(
    ("configuration", "ms"),
    # RFC 6716, table 2: silk 10, 20, 40, 60 in three bandwidths, hybrid 10, 20 in two, celt 2.5, 5, 10, 20 in four.
    list(enumerate([10, 20, 40, 60] * 3 + [10, 20] * 2 + [2.5, 5, 10, 20] * 4)),
)
def test_opus_tells_its_length_in_its_first_byte(configuration, ms) -> None:
    first = configuration << 3

    assert payload_ticks(OPUS, bytes([first])) == ms * 48
    assert payload_ticks(OPUS, bytes([first | 4 | 1, 9])) == 2 * ms * 48  # stereo, two frames
    assert payload_ticks(OPUS, bytes([first | 2, 9])) == 2 * ms * 48
    assert payload_ticks(OPUS, bytes([first | 3, 0x80 | 2, 0])) == 2 * ms * 48  # variable rate, two frames


@pytest.mark.parametrize("payload", [b"", bytes([3])])
def test_what_is_no_opus_packet_has_no_length(payload) -> None:
    assert payload_ticks(OPUS, payload) == 0


def test_a_packet_of_g711_lasts_whole_milliseconds_and_one_of_opus_as_long_as_it_says() -> None:
    assert [is_whole(G711_A, ticks) for ticks in (0, 1, 159, 160, 8)] == [False, False, False, True, True]
    assert [is_whole(OPUS, ticks) for ticks in (0, 120, 960)] == [False, True, True]
