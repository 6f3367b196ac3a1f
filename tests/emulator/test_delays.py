from __future__ import annotations

import random
from statistics import fmean, median, quantiles, stdev

import pytest
from pydantic_core import PydanticCustomError

from rtbench.emulator.delays import Constant, Empirical, Lognormal, Normal, parse_delay


def draws(delay, count: int = 4_000) -> list[float]:
    rng = random.Random(7)
    return [delay.draw_ms(rng) for _ in range(count)]


@pytest.mark.parametrize(
    ("written", "delay"),
    [
        ("200 ms", Constant(200)),
        ("1.5 s", Constant(1_500)),
        ({"normal": {"mean": "300 ms", "sd": "50 ms"}}, Normal(300, 50)),
        ({"lognormal": {"median": "350 ms", "p95": "0.9 s"}}, Lognormal(350, 900)),
        ({"empirical": ["1 ms", "2 ms"]}, Empirical((1, 2))),
    ],
)
def test_delays_are_read_as_they_are_written(written, delay):
    assert parse_delay(written) == delay


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (200, "needs its unit"),
        ("200", "needs its unit"),
        ({"normal": {"mean": "300 ms"}}, "exactly mean and sd"),
        ({"gauss": {}}, "unknown delay model 'gauss'"),
        ({"lognormal": {"median": "0 ms", "p95": "1 ms"}}, "a median above 0"),
        ({"lognormal": {"median": "9 ms", "p95": "1 ms"}}, "not below it"),
        ({"empirical": []}, "at least one entry"),
        ({}, "must name one of"),
    ],
)
def test_others_are_refused_with_what_to_write(written, sentence):
    with pytest.raises((ValueError, PydanticCustomError), match=sentence):
        parse_delay(written)


def test_a_constant_never_varies():
    assert set(draws(Constant(3))) == {3}


def test_a_normal_delay_has_its_mean_and_spread_and_is_never_negative():
    values = draws(Normal(300, 50))
    assert fmean(values) == pytest.approx(300, abs=3)
    assert stdev(values) == pytest.approx(50, abs=2)
    assert min(draws(Normal(10, 50))) == 0


def test_a_lognormal_delay_has_its_median_and_95th_percentile():
    values = draws(Lognormal(350, 900), 20_000)
    assert median(values) == pytest.approx(350, rel=0.03)
    assert quantiles(values, n=20)[18] == pytest.approx(900, rel=0.05)


def test_an_empirical_delay_draws_its_values():
    assert set(draws(Empirical((1, 5, 9)))) == {1, 5, 9}


def test_the_same_seed_draws_the_same():
    assert draws(Normal(1, 1), 10) == draws(Normal(1, 1), 10)
