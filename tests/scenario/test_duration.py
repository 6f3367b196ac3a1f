"""Durations: their units, what is refused, and that they read back as they were written."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbench.scenario.duration import LONGEST_NS, Duration, DurationRange


@pytest.mark.parametrize(
    ("written", "ns"),
    [
        ("500 ms", 500_000_000),
        ("2 s", 2_000_000_000),
        ("1.5 min", 90_000_000_000),
        ("1 h", 3_600_000_000_000),
        ("0.1 ms", 100_000),
        ("20ms", 20_000_000),
        (" 3 s ", 3_000_000_000),
        ("0 s", 0),
    ],
)
def test_a_duration_is_a_number_and_its_unit(written: str, ns: int) -> None:
    assert Duration.parse(written).ns == ns


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (500, "a duration needs its unit: write '500 ms' or '500 s'"),
        (1.5, "a duration needs its unit: write '1.5 ms' or '1.5 s'"),
        ("500", "a duration needs its unit: write '500 ms' or '500 s'"),
        ("5 sec", "unknown unit 'sec'; write 5 followed by ms, s, min or h"),
        ("5 S", "unknown unit 'S'; write 5 followed by ms, s, min or h"),
        ("-5 s", "must be a duration such as '500 ms' or '2 s', not '-5 s'"),
        ("1:30", "must be a duration such as '500 ms' or '2 s', not '1:30'"),
        (True, "must be a duration such as '500 ms' or '2 s', not true"),
        (None, "must be a duration such as '500 ms' or '2 s', not nothing"),
        (["1 s"], "must be a duration such as '500 ms' or '2 s', not a list"),
        ("169 h", "is longer than a week"),
        ("9" * 400 + " h", "is longer than a week"),
    ],
)
def test_what_is_not_a_duration_is_told_what_to_write(written: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Duration.parse(written)


@given(st.integers(0, LONGEST_NS))
def test_a_duration_reads_back_exactly(ns: int) -> None:
    assert Duration.parse(str(Duration(ns))) == Duration(ns)


@pytest.mark.parametrize(
    ("ns", "written"),
    [
        (0, "0 ms"),
        (40_000_000, "40 ms"),
        (90_000_000_000, "90 s"),
        (120_000_000_000, "2 min"),
        (1, "0.000001 ms"),
    ],
)
def test_a_duration_is_written_in_the_largest_whole_unit(ns: int, written: str) -> None:
    assert str(Duration(ns)) == written


def test_units_of_a_duration_are_in_their_names() -> None:
    duration = Duration.parse("1.5 s")
    assert (duration.ns, duration.ms, duration.s) == (1_500_000_000, 1500.0, 1.5)


def test_a_fixed_length_is_a_range_without_width() -> None:
    fixed = DurationRange.parse("700 ms")
    assert fixed.low == fixed.high == Duration.parse("700 ms")
    assert fixed.draw_ns(random.Random(1)) == 700_000_000
    assert str(fixed) == "700 ms"


@pytest.mark.parametrize("written", ["300 ms .. 900 ms", "300 ms..900 ms", "0.3 s .. 900 ms"])
def test_a_range_has_two_ends_each_with_its_unit(written: str) -> None:
    assert str(DurationRange.parse(written)) == "300 ms .. 900 ms"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("900 ms .. 300 ms", "the range '900 ms .. 300 ms' ends before it begins"),
        ("300 .. 900 ms", "a duration needs its unit: write '300 ms' or '300 s'"),
        ("300 ms ..", "must be a duration such as '500 ms' or '2 s', not ''"),
        (700, "a duration needs its unit: write '700 ms' or '700 s'"),
    ],
)
def test_what_is_not_a_range_is_told_what_to_write(written: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        DurationRange.parse(written)


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers())
def test_a_draw_lies_within_the_range_and_depends_on_the_seed_alone(low: int, width: int, seed: int) -> None:
    drawn_from = DurationRange(Duration(low), Duration(low + width))
    drawn = drawn_from.draw_ns(random.Random(seed))
    assert low <= drawn <= low + width
    assert drawn == drawn_from.draw_ns(random.Random(seed))
