"""Decks: exact means, every card once a round, and the same order for the same seed."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations
from statistics import mean

import pytest

from rtbench.core.deck import Deck, exponentials, outcomes, run_lengths


def test_a_deck_deals_every_card_once_before_any_comes_again() -> None:
    deck = Deck([1.0, 2.0, 3.0, 4.0], random.Random(1))

    rounds = [Counter(deck.draw() for _ in range(4)) for _ in range(5)]

    assert rounds == [Counter({1.0: 1, 2.0: 1, 3.0: 1, 4.0: 1})] * 5


def test_its_order_is_random_but_seeded() -> None:
    def order(seed: int) -> list[float]:
        deck = Deck(list(range(20)), random.Random(seed))
        return [deck.draw() for _ in range(20)]

    assert order(7) == order(7)
    assert order(7) != order(8)
    assert order(7) != list(range(20))


@pytest.mark.parametrize("mean", [1, 2, 2.5, 5, 12, 498])
def test_run_lengths_are_whole_and_have_their_mean(mean: float) -> None:
    lengths = run_lengths(mean)

    assert all(length >= 1 and length == int(length) for length in lengths)
    assert sum(lengths) == pytest.approx(10 * mean)


def test_run_lengths_spread_as_a_geometric_distribution_does() -> None:
    # Of mean 2, half are 1, a quarter 2, an eighth 3.
    assert Counter(run_lengths(2, 800))[1.0] == pytest.approx(400, abs=1)
    assert Counter(run_lengths(2, 800))[2.0] == pytest.approx(200, abs=1)
    assert Counter(run_lengths(2, 800))[3.0] == pytest.approx(100, abs=1)


def test_exponentials_have_mean_and_mean_difference_one_and_a_tail() -> None:
    values = exponentials()

    assert sum(values) / len(values) == pytest.approx(1)
    assert mean(abs(a - b) for a, b in combinations(values, 2)) == pytest.approx(1)
    assert max(values) > 5
    assert min(values) > -0.01


def test_outcomes_hold_their_rate() -> None:
    assert sum(outcomes(0.3, 10)) == 3
    assert outcomes(0, 4) == [0, 0, 0, 0]
