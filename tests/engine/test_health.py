import gc

import pyarrow as pa
import pytest
from hdrh.histogram import HdrHistogram

from rtbench.clock import NS_PER_MS
from rtbench.engine import health
from rtbench.engine.health import GC_THRESHOLDS, INTERVAL_NS, PROBE_NS, HealthMonitor
from rtbench.results.schema import GENERATOR


@pytest.fixture
def clock(hand_clock, monkeypatch):
    clock = hand_clock
    clock.now, clock.cpu = 10 * INTERVAL_NS, 0
    monkeypatch.setattr(health, "monotonic_ns", lambda: clock.now)
    monkeypatch.setattr(health, "cpu_ns", lambda: clock.cpu)
    return clock


@pytest.fixture
def rows() -> list[dict]:
    return []


@pytest.fixture
def monitor(clock, rows):
    """A monitor that watches; stopped at the end, so that the collector of the tests is as it was."""
    monitor = HealthMonitor("w2", clock, lambda: 7, lambda: 40, rows.append, lambda: 12)
    monitor.start()
    yield monitor
    if monitor._watch_collector in gc.callbacks:
        monitor.stop()


def test_a_row_is_written_every_second_and_covers_it(monitor, clock, rows) -> None:
    clock.advance(3 * INTERVAL_NS)
    assert [row["interval_ms"] for row in rows] == [1_000.0] * 3


def test_a_row_has_the_columns_of_its_table(monitor, clock, rows) -> None:
    clock.advance(INTERVAL_NS)
    assert list(rows[0]) == GENERATOR.names
    assert pa.Table.from_pylist(rows, schema=GENERATOR).to_pylist() == rows


def test_a_row_says_who_wrote_it_and_what_was_going_on(monitor, clock, rows) -> None:
    clock.advance(INTERVAL_NS)
    row = rows[0]
    assert (row["worker"], row["sessions"], row["rows_written"]) == ("w2", 7, 40)
    assert row["rss_bytes"] > 1_000_000
    assert (row["tasks"], row["open_files"] > 2) == (12, True)
    assert row["at_unix_ns"] > 1_700_000_000 * 10**9


def test_what_has_waited_after_its_arrival_is_a_hold_up_too(clock, rows) -> None:
    waits = [7 * NS_PER_MS, 0]
    monitor = HealthMonitor(
        "w2", clock, lambda: 7, lambda: 40, rows.append, take_inbox_lag_ns=lambda: waits.pop(0)
    )
    monitor.start()
    clock.advance(INTERVAL_NS)
    monitor.stop()
    assert [row["loop_lag_max_ms"] for row in rows] == [7.0, 0.0]


def test_the_first_row_of_an_idle_engine_is_all_rest(monitor, clock, rows) -> None:
    clock.advance(INTERVAL_NS)
    row = rows[0]
    assert (row["frames_sent"], row["send_lateness_max_ms"], row["cpu_share"]) == (0, 0.0, 0.0)
    assert row["loop_lag_max_ms"] == 0.0
    assert HdrHistogram.decode(row["send_lateness"]).get_total_count() == 0


def test_the_processor_share_is_of_the_interval(monitor, clock, rows) -> None:
    clock.cpu = 400 * NS_PER_MS
    clock.advance(INTERVAL_NS)
    clock.cpu = 500 * NS_PER_MS
    clock.advance(INTERVAL_NS)
    assert [row["cpu_share"] for row in rows] == pytest.approx([0.4, 0.1])


def test_the_lateness_of_every_frame_is_in_one_rows_histogram(monitor, clock, rows) -> None:
    for lateness_us in (100, 100, 1_700):
        monitor.lateness.record(lateness_us * 1_000)
    clock.advance(INTERVAL_NS)
    monitor.lateness.record(900_000)
    clock.advance(INTERVAL_NS)
    histograms = [HdrHistogram.decode(row["send_lateness"]) for row in rows]
    assert [row["frames_sent"] for row in rows] == [3, 1]
    assert [row["send_lateness_max_ms"] for row in rows] == [1.7, 0.9]
    assert [histograms[0].get_count_at_value(value) for value in (100, 1_700)] == [2, 1]
    assert histograms[1].get_total_count() == 1


def test_loop_lag_is_how_late_a_probe_rang_and_forgotten_after_its_row(monitor, clock, rows) -> None:
    clock.advance(2 * PROBE_NS)
    clock.now += PROBE_NS + 30 * NS_PER_MS  # nothing rings meanwhile
    clock.advance(INTERVAL_NS)
    clock.advance(INTERVAL_NS)
    assert rows[0]["loop_lag_max_ms"] == 30.0
    assert rows[1]["loop_lag_max_ms"] == 0.0


def test_a_stall_at_the_very_start_is_seen(monitor, clock, rows) -> None:
    clock.now += PROBE_NS + 30 * NS_PER_MS
    clock.advance(INTERVAL_NS)
    assert rows[0]["loop_lag_max_ms"] == 30.0


def test_pauses_of_the_collector_are_summed_and_forgotten_after_their_row(monitor, clock, rows) -> None:
    for pause_ms in (4, 6):
        monitor._watch_collector("start", {})
        clock.now += pause_ms * NS_PER_MS
        monitor._watch_collector("stop", {})
    clock.advance(INTERVAL_NS)
    clock.advance(INTERVAL_NS)
    assert [(row["gc_pause_max_ms"], row["gc_pause_total_ms"]) for row in rows] == [(6.0, 10.0), (0.0, 0.0)]


def test_a_collection_is_noticed(monitor, clock, rows) -> None:
    gc.collect()
    assert len(monitor._pauses_ns) == 1


def test_the_collector_is_tamed_while_the_monitor_watches_and_no_longer(clock, rows) -> None:
    before = gc.get_threshold()
    callbacks = list(gc.callbacks)
    monitor = HealthMonitor("w2", clock, lambda: 0, lambda: 0, rows.append)
    monitor.start()
    assert gc.get_threshold() == GC_THRESHOLDS
    assert gc.get_freeze_count() > 0
    assert len(gc.callbacks) == len(callbacks) + 1
    monitor.stop()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    assert gc.callbacks == callbacks


def test_the_last_row_covers_what_is_left_of_the_interval(monitor, clock, rows) -> None:
    clock.advance(INTERVAL_NS)
    monitor.lateness.record(2 * NS_PER_MS)
    clock.advance(250 * NS_PER_MS)
    monitor.stop()
    assert (rows[-1]["interval_ms"], rows[-1]["frames_sent"]) == (250.0, 1)


def test_a_monitor_stopped_at_once_writes_a_row_without_dividing_by_zero(monitor, rows) -> None:
    monitor.stop()
    assert rows[0]["cpu_share"] == 0.0
