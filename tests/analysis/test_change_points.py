"""Change points: what is found, what is not, and the energy distance by hand."""

import numpy as np
import pytest
from scipy import stats

from rtbench.analysis.change_points import FEWEST, find_change_points, split_gains


def test_a_step_is_found_where_it_is() -> None:
    nights = [700, 710, 690, 705, 695, 700, 820, 810, 830, 815, 825, 820]
    (found,) = find_change_points(nights)
    assert found.index == 6
    assert (found.before, found.after) == (700.0, 820.0)
    assert found.change == pytest.approx(120 / 700)
    assert found.p_value <= 0.01


def test_two_steps_are_found_in_order_of_time() -> None:
    rng = np.random.default_rng(1)
    nights = np.concatenate([rng.normal(level, 5, 15) for level in (700, 760, 650)])
    assert [change.index for change in find_change_points(nights)] == [15, 30]


def test_a_change_of_spread_is_a_change() -> None:
    rng = np.random.default_rng(2)
    nights = np.concatenate([rng.normal(700, 2, 30), rng.normal(700, 60, 30)])
    (found,) = find_change_points(nights)
    assert abs(found.index - 30) <= 2


def test_nights_that_are_alike_seldom_show_a_change() -> None:
    rng = np.random.default_rng(3)
    alarms = sum(bool(find_change_points(rng.lognormal(6, 0.05, 25), permutations=199)) for _ in range(100))
    assert alarms <= 5  # at 1 %; six would come once in two thousand


@pytest.mark.parametrize("nights", [[], [5.0], [1.0] * 30, [1.0, 1.0, 1.0, 9.0, 9.0, 9.0]])
def test_too_few_or_equal_nights_show_none(nights: list[float]) -> None:
    assert find_change_points(nights) == []


def test_one_odd_night_is_no_new_level() -> None:
    assert find_change_points([700, 702, 698, 701, 699, 950, 700, 702, 698, 701, 699, 700]) == []


def test_the_gain_is_the_energy_distance_that_scipy_knows() -> None:
    """scipy's is the square root of half of it, with means over all pairs, those of a value with itself among them."""
    values = np.random.default_rng(4).normal(0, 1, 14)
    gains = split_gains(np.abs(values[:, None] - values[None, :]))
    for offset, gain in enumerate(gains):
        left, right = values[: FEWEST + offset], values[FEWEST + offset :]
        m, n = len(left), len(right)
        within = [np.abs(side[:, None] - side[None, :]).mean() for side in (left, right)]
        v_statistic = 2 * stats.energy_distance(left, right) ** 2 / 2
        u_statistic = v_statistic + within[0] * (1 - m / (m - 1)) + within[1] * (1 - n / (n - 1))
        assert gain == pytest.approx(m * n / (m + n) * u_statistic)
