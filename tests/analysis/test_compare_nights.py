"""What nights add: variances by hand, and the tail that follows from them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rtbench.analysis.compare_gate import parse_gate
from rtbench.analysis.compare_nights import Nights, nights
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.samples import Sample

MEDIAN = parse_gate("voice_to_voice_ms:p50")


def figure(*runs: list[float]) -> Figure:
    """Runs of which each value is a session of its own."""
    samples = [Sample("voice_to_voice_ms", "ms", np.array(run), pd.Series(range(len(run)))) for run in runs]
    return Figure(MEDIAN, samples, np.random.default_rng(1), 200)


def test_one_run_on_either_side_shows_no_nights() -> None:
    assert nights(figure([1.0] * 9), figure([2.0] * 9), None, as_ratio=True) is None


def test_runs_that_are_all_alike_within_differ_by_their_nights() -> None:
    found = nights(figure([100.0] * 9, [110.0] * 9, [120.0] * 9), figure([100.0] * 9), None, as_ratio=False)
    assert found is not None
    assert (found.between, found.night, found.degrees) == (pytest.approx(100.0), pytest.approx(100.0), 2)
    assert found.sessions == (0.0, 0.0)


def test_what_sessions_explain_is_no_night() -> None:
    rng = np.random.default_rng(3)
    runs = [list(rng.normal(500, 50, 200)) for _ in range(6)]
    found = nights(figure(*runs), figure(runs[0]), None, as_ratio=False)
    assert found is not None
    assert found.night < found.between
    assert found.sessions[0] == pytest.approx(
        np.pi / 2 * 50**2 / 200 / 6, rel=0.5
    )  # of a median of normal values


def test_the_tail_is_students_at_the_nights_own_degrees_of_freedom() -> None:
    """Nights of variance 4 on sides of 5 and 1 runs, nothing else: the deviation is sqrt(4 * 1.2)."""
    pure = Nights(
        between=4.0, degrees=4, within=0.0, sessions=(0.0, 0.0), runs=(5, 1), session_counts=(50, 10)
    )
    assert pure.tail(np.sqrt(4.8)) == pytest.approx(stats.norm.cdf(-stats.t.ppf(0.975, 4)), rel=1e-6)
    assert pure.tail(2 * np.sqrt(4.8)) == pytest.approx(stats.norm.cdf(-stats.t.ppf(0.975, 4) / 2), rel=1e-6)


def test_without_nights_the_sessions_decide() -> None:
    still = Nights(
        between=10.0, degrees=8, within=10.0, sessions=(2.0, 2.0), runs=(5, 5), session_counts=(1001, 1001)
    )
    assert still.tail(2.0) == pytest.approx(0.025, rel=0.05)


def test_a_run_among_unanswered_turns_tells_nothing_of_nights() -> None:
    assert nights(figure([np.inf] * 9, [1.0] * 9), figure([1.0] * 9), None, as_ratio=True) is None


def test_nights_are_drawn_with_their_own_variance() -> None:
    found = Nights(
        between=9.0, degrees=4, within=0.0, sessions=(0.0, 0.0), runs=(5, 1), session_counts=(5, 1)
    )
    assert np.std(found.draw(4000, np.random.default_rng(1))) == pytest.approx(3.0, rel=0.05)


def alike(degrees: int, between: float) -> Nights:
    """Five runs on each side, whose sessions explain a variance of 10 of each, and 2 of each side's figure."""
    return Nights(
        between, degrees, within=10.0, sessions=(2.0, 2.0), runs=(5, 5), session_counts=(9001, 9001)
    )


@pytest.mark.parametrize(
    ("degrees", "between", "reach"),
    [
        (12, 8.0, stats.t.ppf(0.975, 12) * np.sqrt(4 * 0.8)),  # Student's, from the scatter of the runs
        (
            8,
            1.0,
            1.96 * np.sqrt(4 * 0.7),
        ),  # which may be small by luck: most of what sessions explain, at least
        (2, 7.0, stats.t.ppf(0.975, 8) * 2),  # or say nothing, of three runs: hardly more than all of it
        (8, 9.999, 1.978 * 2),
    ],
)
def test_runs_that_are_more_alike_than_their_sessions_narrow_the_interval_between_two_ends(
    degrees: int, between: float, reach: float
) -> None:
    assert alike(degrees, between).night == 0.0
    assert alike(degrees, between).reach == pytest.approx(reach, rel=1e-3)


@pytest.mark.parametrize(
    ("degrees", "night", "low", "high"),
    [
        (2, 0.0, 0.023, 0.033),
        (2, 2.0, 0.058, 0.070),
        (4, 0.0, 0.034, 0.043),
        (8, 0.0, 0.038, 0.048),
        (8, 2.0, 0.046, 0.056),
    ],
)
def test_false_alarms_are_those_of_the_table(degrees: int, night: float, low: float, high: float) -> None:
    """Normal figures, for which the alarms follow exactly from the variance that the runs happen to show."""
    shown = 10 * (1 + night) * np.random.default_rng(1).chisquare(degrees, 8_000) / degrees
    reaches = np.array([alike(degrees, float(between)).reach for between in shown])
    alarms = 2 * stats.norm.sf(reaches / np.sqrt(4 * (1 + night)))
    assert low < alarms.mean() < high
