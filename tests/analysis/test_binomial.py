"""The distributions against scipy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from rtbench.analysis.binomial import at_least, incomplete_beta, t_point


@given(x=st.floats(0, 1), a=st.floats(0.05, 5_000), b=st.floats(0.05, 5_000))
def test_the_incomplete_beta_function_is_scipys(x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-7, abs=1e-10)


@pytest.mark.parametrize(
    ("k", "n", "q"), [(0, 10, 0.5), (10, 10, 0.9), (57, 60, 0.95), (9_500, 10_000, 0.95)]
)
def test_tails_of_the_binomial_distribution_are_scipys(k: int, n: int, q: float) -> None:
    assert at_least(k, n, q) == pytest.approx(stats.binom.sf(k - 1, n, q), rel=1e-7)


@pytest.mark.parametrize("degrees", [1, 2, 9, 39, 1000, 2.5])
def test_the_point_of_students_distribution_is_scipys(degrees: float) -> None:
    assert t_point(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-6)
