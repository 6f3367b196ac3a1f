import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rtbench.analysis.quantiles import MIN_SESSIONS, quantiles, samples_needed


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
    (found,) = quantiles(np.arange(100.0), few, [0.5])
    assert found.value == 49.0
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_the_interval_of_independent_turns_ends_where_the_binomial_distribution_says(q: float) -> None:
    """So many sessions that Student's allowance is nothing, so the order statistics are the textbook's."""
    n = 4_000
    (found,) = quantiles(np.arange(1.0, n + 1), _alone(n), [q])
    assert found.low == pytest.approx(stats.binom.ppf(0.025, n, q), abs=2)
    assert found.high == pytest.approx(stats.binom.ppf(0.975, n, q) + 1, abs=2)


def test_turns_of_a_session_that_are_all_alike_count_once() -> None:
    once = np.random.default_rng(3).lognormal(6, 0.4, 120)
    alone = quantiles(once, _alone(120), [0.5])[0]
    copied = quantiles(np.repeat(once, 5), pd.Series(np.repeat(_alone(120), 5)), [0.5])[0]
    assert copied.n == 600
    assert copied.low == pytest.approx(alone.low, rel=0.03)
    assert copied.high == pytest.approx(alone.high, rel=0.03)


def test_a_tail_that_the_sessions_cannot_bound_has_no_upper_end() -> None:
    """72 independent turns: 0.95 ** 72 is 0.0249, so with fewer the p95 may lie above all of them."""
    bounded, unbounded = (quantiles(np.arange(float(n)), _alone(n), [0.95])[0] for n in (100, 65))
    assert bounded.low is not None and bounded.high is not None
    assert unbounded.value is not None and unbounded.low is not None
    assert unbounded.high is None


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_intervals_cover_the_truth_although_turns_of_a_session_are_alike(q: float) -> None:
    """Resampling turns would cover about 60 % here; the benchmark has more cases and more runs."""
    generator = np.random.default_rng(6)
    truth = float(np.exp(6 + np.hypot(0.3, 0.2) * stats.norm.ppf(q)))
    covered, runs = 0, 300
    for _ in range(runs):
        values, sessions = _correlated(generator, sessions=60, turns=8)
        (found,) = quantiles(values, sessions, [q])
        assert found.low is not None
        covered += found.low <= truth <= (np.inf if found.high is None else found.high)
    assert stats.binomtest(covered, runs, 0.95).pvalue > 0.01


def test_an_interval_may_reach_into_the_unanswered_turns() -> None:
    values = np.array([100.0] * 93 + [200.0] * 3 + [np.inf] * 4)
    (found,) = quantiles(values, _alone(100), [0.95])
    assert found.value == 200.0
    assert found.high == np.inf


def test_the_order_of_the_turns_does_not_matter() -> None:
    values, sessions = _correlated(np.random.default_rng(7), sessions=30, turns=4)
    shuffled = np.random.default_rng(8).permutation(len(values))
    assert quantiles(values, sessions, [0.5]) == quantiles(values[shuffled], sessions.iloc[shuffled], [0.5])


def test_an_interval_is_made_only_where_it_is_wanted() -> None:
    (found,) = quantiles(np.arange(100.0), _alone(100), [0.5], with_interval=False)
    assert (found.value, found.low, found.high) == (49.0, None, None)
