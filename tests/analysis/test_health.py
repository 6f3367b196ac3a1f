import numpy as np
import pytest

from rtbench.analysis.health import concurrency, generator_health

S = 1_000_000_000


def test_lateness_is_merged_over_rows_and_engines(make_generator) -> None:
    rows = make_generator({"lateness_us": [1000] * 98}, {"worker": "w2", "lateness_us": [30_000, 40_000]})
    health = generator_health(rows)
    assert health.send_lateness_p50_ms == pytest.approx(1, rel=1e-3)
    assert health.send_lateness_p99_ms == pytest.approx(30, rel=1e-3)
    assert health.engines == 2


def test_the_cpu_share_is_that_of_the_busiest_engine_not_the_mean(make_generator) -> None:
    rows = make_generator(*[{"cpu_share": 0.2}] * 20, *[{"worker": "w2", "cpu_share": 0.9}] * 20)
    assert generator_health(rows).cpu_share_p95 == 0.9


def test_one_busy_interval_of_many_does_not_make_an_engine_busy(make_generator) -> None:
    rows = make_generator(*[{"cpu_share": 0.2}] * 99, {"cpu_share": 1.0})
    assert generator_health(rows).cpu_share_p95 == 0.2


def test_the_busy_first_second_of_a_short_run_does_not_make_an_engine_busy(make_generator) -> None:
    rows = make_generator({"cpu_share": 1.0}, *[{"cpu_share": 0.2}] * 9)
    assert generator_health(rows).cpu_share_p95 == 0.2


def test_cpu_is_told_per_second_of_a_session(make_generator) -> None:
    rows = make_generator({"cpu_share": 0.5, "sessions": 100, "interval_ms": 2000.0})
    health = generator_health(rows)
    assert health.cpu_seconds == pytest.approx(1.0)
    assert health.cpu_ms_per_session_second == pytest.approx(5.0)


def test_rows_handed_over_are_counted_so_far_by_each_engine(make_generator) -> None:
    rows = make_generator({"rows_written": 3}, {"rows_written": 7}, {"worker": "w2", "rows_written": 5})
    assert generator_health(rows).rows_handed_over == 12


def test_concurrency_adds_engines_whose_rows_are_not_in_step(make_generator) -> None:
    rows = make_generator(
        {"at_unix_ns": 0, "sessions": 4},
        {"at_unix_ns": 1 * S, "worker": "w2", "sessions": 10},
        {"at_unix_ns": 2 * S, "sessions": 5},
        {"at_unix_ns": 3 * S, "worker": "w2", "sessions": 20},
    )
    assert concurrency(rows).tolist() == [4, 14, 15, 20]
    assert generator_health(rows).sessions_max == 20


def test_of_a_run_without_rows_nothing_is_known(make_generator) -> None:
    health = generator_health(make_generator())
    assert health.engines == 0
    assert health.send_lateness_p99_ms is None
    assert health.cpu_share_p95 is None


def test_a_histogram_that_was_not_written_is_passed_over(make_generator) -> None:
    rows = make_generator({"lateness_us": [2000]}, {})
    rows.loc[1, "send_lateness"] = np.nan
    assert generator_health(rows).send_lateness_p99_ms == pytest.approx(2, rel=1e-3)


def test_what_the_machine_kept_back_is_that_of_the_worst_interval_where_it_is_told(make_generator) -> None:
    told = generator_health(
        make_generator({"waited_ms": 3.0, "stolen_ms": 40.0}, {"waited_ms": 12.0}, {"stolen_ms": 10.0})
    )
    assert (told.waited_max_ms, told.stolen_max_ms) == (12.0, 40.0)
    older = generator_health(make_generator({}).drop(columns=["waited_ms", "stolen_ms"]))
    assert (older.waited_max_ms, older.stolen_max_ms) == (None, None)
