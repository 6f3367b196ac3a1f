"""Resampling of runs and sessions: what is drawn, and the figures of what was drawn."""

import numpy as np
import pytest
from scipy import stats

from rtbench.analysis.bootstrap import (
    draw_sessions,
    expanded_tail,
    percentile_interval,
    resampled_means,
    resampled_quantiles,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_one_run_gives_as_many_sessions_as_it_has(rng) -> None:
    drawn = draw_sessions([7], 500, rng)
    assert drawn.shape == (500, 7)
    assert set(drawn.sum(axis=1)) == {7}
    assert drawn.mean() == pytest.approx(1.0)
    assert drawn.var() == pytest.approx(6 / 7, rel=0.1)  # of a binomial: 7 draws at 1 in 7


def test_a_run_comes_with_all_its_sessions_or_with_none(rng) -> None:
    drawn = draw_sessions([3, 5], 400, rng)
    pairs = {(int(row[:3].sum()), int(row[3:].sum())) for row in drawn}
    assert pairs == {(6, 0), (3, 5), (0, 10)}


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95])
def test_a_quantile_of_a_resample_is_numpys_of_the_turns_repeated(rng, q: float) -> None:
    values, sessions = rng.lognormal(6, 0.4, 280), np.repeat(np.arange(40), 7)
    drawn = draw_sessions([15, 25], 100, rng)
    found = resampled_quantiles(values, sessions, drawn, q)
    expected = [np.quantile(np.repeat(values, row[sessions]), q, method="inverted_cdf") for row in drawn]
    assert found == pytest.approx(expected)


def test_a_mean_of_a_resample_is_numpys_and_an_empty_one_has_none(rng) -> None:
    values, sessions = rng.normal(0, 1, 60), np.repeat(np.arange(20), 3)
    drawn = draw_sessions([20], 50, rng)
    assert resampled_means(values, sessions, drawn) == pytest.approx(
        [np.repeat(values, row[sessions]).mean() for row in drawn]
    )
    assert np.isnan(resampled_means(np.array([1.0]), np.array([0]), np.array([[0, 1]], np.uint16))).all()


def test_few_units_push_the_ends_apart_as_students_distribution_does() -> None:
    assert expanded_tail((10_000, 10_000)) == pytest.approx(0.025, rel=1e-3)
    by_hand = stats.norm.cdf(-np.sqrt(10 / 9) * stats.t.ppf(0.975, 18))
    assert expanded_tail((10, 10)) == pytest.approx(by_hand, rel=1e-6)


def test_the_interval_is_cut_at_the_tails() -> None:
    found = percentile_interval(50.0, np.arange(1.0, 101.0), 0.025)
    assert (found.estimate, found.low, found.high) == (50.0, 3.0, 98.0)
