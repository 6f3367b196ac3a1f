import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rtbench.analysis.quantiles import MIN_SESSIONS, SessionResamples, quantiles, samples_needed


def _alone(n: int) -> pd.Series:
    """Every value a session of its own."""
    return pd.Series([f"s{number}" for number in range(n)])


def _correlated(generator: np.random.Generator, sessions: int, turns: int) -> tuple[np.ndarray, pd.Series]:
    moods = np.repeat(generator.normal(0, 1, sessions), turns)
    values = np.exp(6 + 0.3 * moods + 0.2 * generator.normal(0, 1, sessions * turns))
    return values, pd.Series(np.repeat([f"s{number}" for number in range(sessions)], turns))


@pytest.mark.parametrize(("q", "n"), [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2995)])
def test_a_percentile_needs_as_many_samples_as_the_rule_says(q: float, n: int) -> None:
    assert samples_needed(q) == n
    too_few, enough = (quantiles(np.arange(float(k)), _alone(k), [q])[0] for k in (n - 1, n))
    assert too_few.value is None and too_few.n == n - 1
    assert enough.value is not None


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=60, max_size=200),
    q=st.sampled_from([0.5, 0.9, 0.95]),
)
def test_the_quantile_is_numpys_inverse_of_the_distribution_function(values: list[float], q: float) -> None:
    (found,) = quantiles(np.array(values), _alone(len(values)), [q])
    assert found.value == np.quantile(values, q, method="inverted_cdf")


def test_a_quantile_among_unanswered_turns_is_infinite_and_others_are_not_touched_by_them() -> None:
    values = np.array([100.0] * 95 + [np.inf] * 5)
    p50, p95, p96 = quantiles(values, _alone(100), [0.5, 0.95, 0.96])
    assert (p50.value, p95.value, p96.value) == (100.0, 100.0, np.inf)


def test_an_interval_needs_enough_sessions() -> None:
    few = pd.Series([f"s{number % (MIN_SESSIONS - 1)}" for number in range(100)])
    (found,) = quantiles(np.arange(100.0), few, [0.5], SessionResamples(few))
    assert found.value == 49.0
    assert (found.low, found.high) == (None, None)


def test_the_interval_of_a_median_with_one_turn_a_session_is_scipys() -> None:
    values = np.random.default_rng(3).lognormal(6, 0.4, 400)
    (found,) = quantiles(values, _alone(400), [0.5], SessionResamples(_alone(400), resamples=4000))
    oracle = stats.bootstrap(
        (values,),
        lambda sample, axis: np.quantile(sample, 0.5, axis=axis, method="inverted_cdf"),
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(4),
    ).confidence_interval
    width = oracle.high - oracle.low
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=0.12 * width)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_the_interval_with_one_turn_a_session_ends_where_the_binomial_distribution_says(q: float) -> None:
    """The resampled quantile is at most the k-th value where at least q of n draws are among the first k."""
    n = 400
    ranks = np.arange(1, n + 1)
    at_most = stats.binom.sf(np.ceil(q * n) - 1, n, ranks / n)
    (found,) = quantiles(ranks.astype(float), _alone(n), [q], SessionResamples(_alone(n), resamples=4000))
    assert found.low == pytest.approx(ranks[np.argmax(at_most >= 0.025)], abs=1)
    assert found.high == pytest.approx(ranks[np.argmax(at_most >= 0.975)], abs=1)


def test_resampling_in_a_window_gives_what_resampling_in_full_gives() -> None:
    values, sessions = _correlated(np.random.default_rng(5), sessions=40, turns=7)
    resamples = SessionResamples(sessions, resamples=200, seed=9)
    (found,) = quantiles(values, sessions, [0.9], resamples)
    columns = resamples.index_of(sessions)
    drawn = np.sort(
        [
            np.quantile(np.repeat(values, row[columns]), 0.9, method="inverted_cdf")
            for row in resamples.multiplicity
        ]
    )
    assert found.low == np.quantile(drawn, 0.025, method="inverted_cdf")
    assert found.high == np.quantile(drawn, 0.975, method="inverted_cdf")


def test_intervals_cover_the_truth_although_turns_of_a_session_are_alike() -> None:
    """Resampling turns would cover about 60 % here."""
    generator = np.random.default_rng(6)
    truth = float(np.exp(6 + np.hypot(0.3, 0.2) * stats.norm.ppf(0.95)))
    covered, runs = 0, 150
    for _ in range(runs):
        values, sessions = _correlated(generator, sessions=100, turns=8)
        (found,) = quantiles(values, sessions, [0.95], SessionResamples(sessions, resamples=300))
        assert found.low is not None and found.high is not None
        covered += found.low <= truth <= found.high
    assert stats.binomtest(covered, runs, 0.95).pvalue > 0.01


def test_an_interval_may_reach_into_the_unanswered_turns() -> None:
    values = np.array([100.0] * 93 + [200.0] * 3 + [np.inf] * 4)
    (found,) = quantiles(values, _alone(100), [0.95], SessionResamples(_alone(100)))
    assert found.value == 200.0
    assert found.high == np.inf


def test_the_same_seed_gives_the_same_interval() -> None:
    values, sessions = _correlated(np.random.default_rng(7), sessions=30, turns=4)
    first, second = (quantiles(values, sessions, [0.5], SessionResamples(sessions, seed=2)) for _ in range(2))
    assert first == second


def test_ten_thousand_turns_take_less_than_two_seconds() -> None:
    values, sessions = _correlated(np.random.default_rng(8), sessions=1250, turns=8)
    start = time.process_time()
    quantiles(values, sessions, (0.5, 0.95, 0.99), SessionResamples(sessions, resamples=1000))
    assert time.process_time() - start < 2
