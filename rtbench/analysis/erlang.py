"""Erlang's formulas for calls that come independently of each other, and Engset's for so many callers.

Erlang, A. K. (1917), "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges": formula B, calls that find no place are lost, and C, they wait. Engset,
T. O. (1918): the same loss for a limited number of callers. All hold whatever the lengths of calls
(C: for exponential ones). Loads are in erlangs: calls under way on average if none were lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def erlang_b(places: int, load: float) -> float:
    """The share of calls that find no place.

    By the recursion B(n) = aB(n-1) / (n + aB(n-1)), which neither overflows nor cancels (Jagerman 1974).
    """
    lost = 1.0
    for taken in range(1, places + 1):
        lost = load * lost / (taken + load * lost)
    return lost


def erlang_c(places: int, load: float) -> float:
    """The share of calls that have to wait; 1 where there are not more places than erlangs."""
    if load >= places:
        return 1.0
    lost = erlang_b(places, load)
    return places * lost / (places - load * (1 - lost))


def engset(callers: int, places: int, idle_load: float) -> float:
    """The share of calls that find no place, of so many callers who each call again and again.

    idle_load: mean length of a call over the mean time from the end of one to the next attempt. By the
    recursion E(n) = (N-n)aE(n-1) / (n + (N-n)aE(n-1)).
    """
    lost = 1.0
    for taken in range(1, places + 1):
        free = max(0, callers - taken)
        lost = free * idle_load * lost / (taken + free * idle_load * lost)
    return lost


def places_needed(load: float, share: float, formula: Callable[[int, float], float] = erlang_b) -> int:
    """The fewest places with which at most this share of calls is lost (B) or waits (C)."""
    places = max(1, math.floor(load))
    while formula(places, load) > share:
        places += 1
    while places > 1 and formula(places - 1, load) <= share:
        places -= 1
    return places


def load_carried(places: int, share: float) -> float:
    """The highest load in erlangs of which at most this share is lost, to a part in a million."""
    low, high = 0.0, places / (1 - share) + 1.0
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if erlang_b(places, middle) <= share:
            low = middle
        else:
            high = middle
    return low
