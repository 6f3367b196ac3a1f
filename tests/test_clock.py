import time
from datetime import timedelta

from rtbench import clock


def test_the_monotonic_clock_counts_nanoseconds_and_never_runs_backwards() -> None:
    before = time.monotonic_ns()
    readings = [clock.monotonic_ns() for _ in range(1_000)]

    assert readings == sorted(readings)
    assert before <= readings[0] <= readings[-1] <= time.monotonic_ns()


def test_processor_time_passes_with_work() -> None:
    before_ns = clock.cpu_ns()
    total = 0
    while clock.cpu_ns() - before_ns < clock.NS_PER_MS:
        total += sum(range(1_000))

    assert total > 0


def test_wall_time_is_that_of_the_system() -> None:
    before = time.time_ns()
    assert before <= clock.unix_ns() <= time.time_ns()


def test_the_offset_turns_instants_into_wall_time() -> None:
    as_wall_ns = clock.monotonic_ns() + clock.unix_offset_ns()

    assert abs(as_wall_ns - time.time_ns()) < clock.NS_PER_S


def test_local_time_knows_its_zone() -> None:
    local = clock.local_time()

    assert local.tzinfo is not None
    assert abs(local.timestamp() * clock.NS_PER_S - time.time_ns()) < clock.NS_PER_S
    assert timedelta(hours=-24) < local.utcoffset() < timedelta(hours=24)
