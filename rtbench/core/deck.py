"""Draws without luck: a deck holds equally likely quantiles of a distribution, and deals all of them before any comes again.

So a run of minutes gets the loss and the jitter that were asked for, rather than what chance made of
them: of 10,000 packets with 1 % loss in bursts, independent draws would lose 70 to 130.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol


class Chance(Protocol):
    """Where randomness comes from: `random.Random`, seeded by whoever makes it."""

    def random(self) -> float:
        """A number from 0 to 1, 1 excluded."""


class Deck:
    """Deals its cards in random order, and shuffles when all are out."""

    def __init__(self, cards: Sequence[float], chance: Chance) -> None:
        self._cards = list(cards)
        self._chance = chance
        self._dealt = len(self._cards)

    def draw(self) -> float:
        """The next card."""
        if self._dealt == len(self._cards):
            self._shuffle()
        card = self._cards[self._dealt]
        self._dealt += 1
        return card

    def _shuffle(self) -> None:
        cards = self._cards
        for last in range(len(cards) - 1, 0, -1):
            other = int(self._chance.random() * (last + 1))
            cards[last], cards[other] = cards[other], cards[last]
        self._dealt = 0


def run_lengths(mean: float, count: int = 10) -> list[float]:
    """Quantiles of the geometric distribution from 1 on: how long a Markov chain stays in a state.

    Their sum is `count` times the mean, as near as whole numbers come.
    """
    if mean <= 1:
        return [1.0] * count
    stays = math.log(1 - 1 / mean)
    lengths = [float(math.ceil(math.log(1 - (i + 0.5) / count) / stays)) for i in range(count)]
    lengths[-1] = max(1.0, lengths[-1] + round(count * mean) - sum(lengths))
    return lengths


def exponentials(count: int = 200) -> list[float]:
    """Quantiles of the exponential distribution, moved and stretched so that both their mean and the mean difference
    of two of them are exactly 1."""
    raw = [-math.log(1 - (i + 0.5) / count) for i in range(count)]
    mean = sum(raw) / count
    # Of sorted values: each is the larger one of `i` pairs, and the smaller one of the others.
    differences = sum((2 * i - count + 1) * value for i, value in enumerate(raw)) / (count * (count - 1) / 2)
    return [(value - mean) / differences + 1 for value in raw]


def outcomes(rate: float, count: int) -> list[float]:
    """So many ones and zeros that `rate` of them are ones, to the nearest."""
    ones = round(rate * count)
    return [1.0] * ones + [0.0] * (count - ones)
