import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rtbench.analysis.rates import design_effect, rate, wilson


def _sessions(count: int, turns: int) -> pd.Series:
    return pd.Series(np.repeat([f"s{number}" for number in range(count)], turns))


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (97, 100), (1, 1000)])
def test_wilsons_interval_is_scipys(hits: int, n: int) -> None:
    oracle = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_a_rate_of_fewer_than_ten_is_not_told() -> None:
    assert rate(np.ones(9), _sessions(9, 1)).value is None
    assert rate(np.ones(10), _sessions(10, 1)).value == 1.0


def test_outcomes_that_go_by_session_count_as_many_as_there_are_sessions() -> None:
    outcomes = np.repeat([1.0, 0.0] * 20, 8)
    sessions = _sessions(40, 8)
    assert design_effect(outcomes, sessions) == pytest.approx(8 * 40 / 39)
    found = rate(outcomes, sessions)
    oracle = wilson(0.5, 39)
    assert (found.low, found.high) == pytest.approx(oracle)


def test_independent_outcomes_have_no_design_effect_to_speak_of() -> None:
    outcomes = np.random.default_rng(1).integers(0, 2, 4000).astype(float)
    assert design_effect(outcomes, _sessions(500, 8)) == pytest.approx(1, abs=0.15)


def test_intervals_are_never_narrower_than_those_of_independent_outcomes() -> None:
    outcomes = np.tile([1.0, 0.0], 100)
    assert design_effect(outcomes, _sessions(100, 2)) == 1.0


def test_without_a_single_failure_the_interval_still_has_a_width() -> None:
    found = rate(np.ones(100), _sessions(100, 1))
    assert found.low is not None and 0.95 < found.low < 0.97
    assert found.high == 1.0


def test_intervals_cover_the_truth_although_outcomes_go_by_session() -> None:
    generator = np.random.default_rng(2)
    covered, runs = 0, 400
    for _ in range(runs):
        shares = generator.beta(9, 1, 80)
        outcomes = (generator.uniform(size=(80, 8)) < shares[:, None]).astype(float).ravel()
        found = rate(outcomes, _sessions(80, 8))
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.9 <= found.high
    assert stats.binomtest(covered, runs, 0.95).pvalue > 0.01
