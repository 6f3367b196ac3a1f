import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

from rtbench.clock import NS_PER_MS, NS_PER_S
from rtbench.engine.lateness import HELD_FRAMES, HIGHEST_US, FrameLateness, LatenessLog, empty_histogram


@pytest.fixture
def log() -> LatenessLog:
    return LatenessLog()


def test_nothing_recorded_gives_an_empty_histogram(log) -> None:
    frames, late_max_ms, encoded = log.take()
    assert (frames, late_max_ms) == (0, 0.0)
    assert HdrHistogram.decode(encoded).get_total_count() == 0


def test_the_histogram_holds_every_frame_at_its_microsecond(log) -> None:
    for lateness_us in (1, 40, 40, 1_250, 1_999):
        log.record(lateness_us * 1_000)  # above 1 ms in steps of 10 us
    frames, late_max_ms, encoded = log.take()
    histogram = HdrHistogram.decode(encoded)
    assert (frames, late_max_ms) == (5, 1.999)
    assert [histogram.get_count_at_value(value) for value in (1, 40, 1_250, 1_990)] == [1, 2, 1, 1]
    assert histogram.get_total_count() == 5


def test_merged_histograms_give_the_quantiles_of_all_frames(log) -> None:
    """Of several engines and seconds, to the three digits that are kept."""
    lateness_us = np.random.default_rng(7).lognormal(6.5, 1.0, 5_000).astype(int)
    merged = empty_histogram()
    for part in np.array_split(lateness_us, 5):
        for value in part.tolist():
            log.record(value * 1_000)
        merged.add(HdrHistogram.decode(log.take()[2]))
    assert merged.get_total_count() == 5_000
    for percentile in (50, 90, 99):
        exact = np.percentile(lateness_us, percentile, method="inverted_cdf")
        assert merged.get_value_at_percentile(percentile) == pytest.approx(exact, rel=0.002, abs=10)


def test_each_frame_is_taken_once_and_the_total_goes_on(log) -> None:
    log.record(3 * NS_PER_MS)
    assert log.take()[:2] == (1, 3.0)
    assert log.take()[:2] == (0, 0.0)
    log.record(1 * NS_PER_MS)
    log.record(2 * NS_PER_MS)
    assert log.take()[:2] == (2, 2.0)
    assert log.frames == 3


def test_a_frame_sent_a_little_early_counts_as_on_time_and_shows_as_early_in_the_maximum(log) -> None:
    log.record(-30_000)
    frames, late_max_ms, encoded = log.take()
    assert (frames, late_max_ms) == (1, -0.03)
    assert HdrHistogram.decode(encoded).get_count_at_value(1) == 1


def test_a_frame_later_than_the_histogram_reaches_is_counted_at_its_end(log) -> None:
    """A suspended machine: the frames must not vanish from the quantiles."""
    log.record(90 * NS_PER_S)
    frames, late_max_ms, encoded = log.take()
    histogram = HdrHistogram.decode(encoded)
    assert (frames, late_max_ms) == (1, 90_000.0)
    assert histogram.get_total_count() == 1
    assert histogram.get_value_at_percentile(100) == pytest.approx(HIGHEST_US, rel=0.001)


def test_one_microphones_frames_are_told_apart_by_their_numbers() -> None:
    frames = FrameLateness()
    for lateness_ns in (1, 9, 4, 2):
        frames.record(lateness_ns)
    assert frames.max_ns == 9
    assert [frames.max_between_ns(*span) for span in ((0, 0), (0, 3), (2, 3), (3, 9), (4, 9))] == [
        1,
        9,
        4,
        2,
        0,
    ]
    assert frames.max_between_ns(-5, -1) == 0


def test_of_a_long_call_the_last_minutes_are_held() -> None:
    frames = FrameLateness()
    for number in range(3 * HELD_FRAMES):
        frames.record(number)
    last = 3 * HELD_FRAMES - 1
    assert frames.max_between_ns(last - 10, last) == last
    assert frames.max_between_ns(last - HELD_FRAMES, last - 100) == last - 100
    assert frames.max_between_ns(0, 10) == 0
    assert frames.max_ns == last
