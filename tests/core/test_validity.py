"""The limits of metrics.md, at them and beyond."""

import pytest

from rtbench.core.validity import Doubt, Level, busy, late, lost, simulation_late, void


@pytest.mark.parametrize(
    ("doubt", "level", "told"),
    [
        (late(5.0), None, ""),
        (late(5.1), Level.SUSPECT, "1% of frames left more than 5.1 ms late (limit 5 ms)"),
        (late(20.0), Level.SUSPECT, "20.0 ms late (limit 5 ms)"),
        (late(20.1), Level.INVALID, "20.1 ms late (limit 20 ms)"),
        (void(0.01), None, ""),
        (void(0.02), Level.SUSPECT, "2.0% of turns are void (limit 1%)"),
        (void(0.05), Level.SUSPECT, "(limit 1%)"),
        (void(0.06), Level.INVALID, "6.0% of turns are void (limit 5%)"),
        (busy(0.85), None, ""),
        (busy(0.86), Level.SUSPECT, "An engine used 86% of its core (limit 85%)"),
        (simulation_late(5.0), None, ""),
        (simulation_late(5.1), Level.SUSPECT, "itself was 5.1 ms late in the mean of a call (limit 5 ms)"),
        (lost(0, 9), None, ""),
        (lost(1, 9_000), Level.INVALID, "1 of 9,000 rows of turns and sessions were lost"),
    ],
)
def test_what_passes_a_limit_is_told_with_its_number(
    doubt: Doubt | None, level: Level | None, told: str
) -> None:
    assert (doubt.level if doubt else None) == level
    assert told in (doubt.message if doubt else "")
