"""How busy an emulator was, from its seconds."""

import pytest

from rtbench.core.emulator_load import EmulatorLoad
from rtbench.core.validity import Level


def seconds(*shares_and_lags: tuple[float | None, float | None]) -> EmulatorLoad:
    load = EmulatorLoad()
    for share, lag_ms in shares_and_lags:
        load.take({"cpu_share": share, "loop_lag_max_ms": lag_ms})
    return load


def test_one_bad_second_of_twenty_is_left_out_and_two_are_not() -> None:
    load = seconds(*[(0.3, 1.0)] * 19, (1.0, 500.0))
    assert (load.cpu_share, load.loop_lag_ms) == (0.3, 1.0)
    load = seconds(*[(0.3, 1.0)] * 18, *[(1.0, 500.0)] * 2)
    assert (load.cpu_share, load.loop_lag_ms) == (1.0, 500.0)


def test_what_is_not_known_is_left_out() -> None:
    load = seconds((None, 3.0), (0.4, None))
    assert (load.cpu_share, load.loop_lag_ms) == (0.4, 3.0)
    assert (seconds().cpu_share, seconds().loop_lag_ms) == (None, None)
    assert seconds().doubts() == []


@pytest.mark.parametrize(
    ("share", "lag_ms", "told"),
    [
        (0.85, 20.0, []),
        (0.9, 20.0, ["The emulator used 90% of its core (limit 85%)"]),
        (0.85, 42.4, ["The emulator's event loop was up to 42 ms late (limit 20 ms)"]),
    ],
)
def test_what_passes_a_limit_is_told_with_it(share: float, lag_ms: float, told: list[str]) -> None:
    doubts = seconds((share, lag_ms)).doubts()
    assert [doubt.message for doubt in doubts] == told
    assert all(doubt.level is Level.SUSPECT for doubt in doubts)
