from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from rtbench.core.validity import Level
from rtbench.load.live_verdict import LiveVerdict


@pytest.fixture
def verdict() -> LiveVerdict:
    return LiveVerdict()


def second(
    worker: str = "w0", rows_written: int = 0, cpu_share: float = 0.1, *late_ms: float
) -> dict[str, Any]:
    histogram = HdrHistogram(1, 60_000_000, 3)
    for each in late_ms:
        histogram.record_value(round(1000 * each))
    lateness = histogram.encode().decode()
    return {"worker": worker, "rows_written": rows_written, "cpu_share": cpu_share, "send_lateness": lateness}


def test_a_run_is_valid_until_something_speaks_against_it(verdict: LiveVerdict) -> None:
    assert verdict.doubts() == []
    verdict.take("turns", {"void": False})
    verdict.take("generator", second("w0", 1, 0.85, *[0.5] * 100))
    assert verdict.doubts() == []


def test_lateness_is_of_all_frames_of_all_engines_so_far(verdict: LiveVerdict) -> None:
    verdict.take("generator", second("w0", 0, 0.1, *[1.0] * 100))
    assert verdict.doubts() == []
    verdict.take("generator", second("w1", 0, 0.1, *[1.0] * 90, *[30.0] * 10))
    (doubt,) = verdict.doubts()
    assert doubt.level is Level.INVALID and "ms late (limit 20 ms)" in doubt.message
    verdict.take("generator", second("w0", 0, 0.1, *[1.0] * 900))
    assert verdict.doubts() == []  # 10 of 1,100


def test_a_row_that_an_engine_handed_over_and_that_has_not_come_in_is_lost(verdict: LiveVerdict) -> None:
    verdict.take("turns", {"void": False})
    verdict.take("sessions", {})
    verdict.take("generator", second("w0", 2))
    verdict.take("generator", second("w1", 1))
    assert [doubt.message for doubt in verdict.doubts()] == ["1 of 3 rows of turns and sessions were lost"]
    verdict.take("turns", {"void": False})
    assert verdict.doubts() == []


def test_the_worst_comes_first(verdict: LiveVerdict) -> None:
    for number in range(10):
        verdict.take("turns", {"void": number == 0})
    for _ in range(20):
        verdict.take("generator", second("w0", 0, 0.95))
    assert [doubt.level for doubt in verdict.doubts()] == [Level.INVALID, Level.SUSPECT]
    assert verdict.doubts()[0].message.startswith("10.0% of turns are void")


def test_a_busy_second_now_and_then_is_none_of_the_engines_load(verdict: LiveVerdict) -> None:
    for number in range(40):
        verdict.take("generator", second("w0", 0, 0.99 if number < 2 else 0.2))
    assert verdict.doubts() == []


def test_an_emulator_without_room_is_told(verdict: LiveVerdict) -> None:
    for _ in range(20):
        verdict.take("emulator", {"cpu_share": 0.5, "loop_lag_max_ms": 8.0})
    assert verdict.doubts() == []
    for _ in range(20):
        verdict.take("emulator", {"cpu_share": 0.97, "loop_lag_max_ms": 80.0})
    assert [doubt.message for doubt in verdict.doubts()] == [
        "The emulator used 97% of its core (limit 85%)",
        "The emulator's event loop was up to 80 ms late (limit 20 ms)",
    ]
