"""Erlang's and Engset's formulas against published tables, and against the sums that they stand for."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from rtbench.analysis.erlang import engset, erlang_b, erlang_c, load_carried, places_needed

TABLE_B = [
    (1, 0.01, 0.0101),
    (5, 0.01, 1.361),
    (10, 0.01, 4.461),
    (20, 0.01, 12.03),
    (50, 0.01, 37.90),
    (100, 0.01, 84.06),
    (10, 0.02, 5.084),
    (20, 0.02, 13.18),
    (10, 0.05, 6.216),
    (100, 0.05, 95.24),
]
"""Places, share lost, erlangs carried: from the Erlang B tables that traffic handbooks print, to four digits."""


@pytest.mark.parametrize(("places", "share", "load"), TABLE_B)
def test_the_load_that_is_carried_is_that_of_the_tables(places: int, share: float, load: float) -> None:
    assert load_carried(places, share) == pytest.approx(load, rel=5e-4, abs=5e-5)
    assert erlang_b(places, load) == pytest.approx(share, rel=0.01)


@pytest.mark.parametrize(("places", "load"), [(1, 0.5), (8, 5.0), (40, 45.0), (120, 100.0)])
def test_erlang_b_is_a_truncated_poisson_distribution(places: int, load: float) -> None:
    assert erlang_b(places, load) == pytest.approx(
        stats.poisson.pmf(places, load) / stats.poisson.cdf(places, load), rel=1e-9
    )


@pytest.mark.parametrize(
    ("agents", "load", "waiting"), [(14, 10.0, 0.174), (11, 10.0, 0.6821), (2, 1.0, 1 / 3), (1, 0.6, 0.6)]
)
def test_erlang_c_is_that_of_the_tables(agents: int, load: float, waiting: float) -> None:
    # 10 erlangs and 14 agents: 17.4 % wait, the example of call-centre handbooks; one server: its load.
    assert erlang_c(agents, load) == pytest.approx(waiting, abs=5e-4)


def test_everybody_waits_where_there_are_not_more_places_than_erlangs() -> None:
    assert erlang_c(10, 10.0) == erlang_c(3, 8.0) == 1.0


def test_thousands_of_places_neither_overflow_nor_vanish() -> None:
    assert 0 < erlang_b(5000, 4900.0) < 0.02
    assert erlang_b(5000, 10.0) == 0.0
    assert erlang_b(0, 3.0) == 1.0


@pytest.mark.parametrize(("callers", "places", "idle"), [(10, 3, 0.2), (20, 10, 0.7), (5, 4, 2.0)])
def test_engset_is_a_truncated_binomial_distribution_as_a_caller_sees_it(
    callers: int, places: int, idle: float
) -> None:
    others = callers - 1  # a caller meets the state that the others are in
    terms = [math.comb(others, busy) * idle**busy for busy in range(places + 1)]
    assert engset(callers, places, idle) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


def test_so_many_callers_as_there_are_places_are_never_refused() -> None:
    assert engset(7, 7, 3.0) == 0.0


@pytest.mark.parametrize(
    ("load", "share", "places"), [(4.461, 0.01, 10), (4.47, 0.01, 11), (84.0, 0.01, 100), (0.01, 0.01, 1)]
)
def test_the_places_needed_are_the_fewest(load: float, share: float, places: int) -> None:
    assert places_needed(load, share) == places


def test_agents_needed_so_that_few_wait() -> None:
    places = places_needed(10.0, 0.2, waiting=True)
    assert places == 14


@pytest.mark.parametrize("load", [0.3, 5.0, 83.7])
@pytest.mark.parametrize("share", [0.5, 0.02, 1e-6])
def test_one_place_fewer_is_too_few(load: float, share: float) -> None:
    for waiting, formula in ((False, erlang_b), (True, erlang_c)):
        places = places_needed(load, share, waiting=waiting)
        assert formula(places, load) <= share < formula(places - 1, load)


def test_the_places_for_a_whole_country_are_found_in_one_pass() -> None:
    # With a pass for every number of places that is tried this would take hours.
    places = places_needed(200_000.0, 1e-9)
    assert erlang_b(places, 200_000.0) <= 1e-9 < erlang_b(places - 1, 200_000.0)
