"""Erlang's formulas for calls that come independently of each other, and Engset's for so many callers.

Erlang, A. K. (1917), "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges": formula B, calls that find no place are lost, and C, they wait. Engset,
T. O. (1918): the same loss for a limited number of callers. All hold whatever the lengths of calls
(C: for exponential ones). Loads are in erlangs: calls under way on average if none were lost.
"""

from __future__ import annotations


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
    return _waiting(places, load, erlang_b(places, load))


def _waiting(places: int, load: float, lost: float) -> float:
    """Formula C from the outcome of B."""
    return 1.0 if load >= places else places * lost / (places - load * (1 - lost))


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


def places_needed(load: float, share: float, *, waiting: bool = False) -> int:
    """The fewest places with which at most this share of calls is lost (B), or has to wait (C); one pass of B's recursion."""
    lost, places = 1.0, 0
    while True:
        places += 1
        lost = load * lost / (places + load * lost)
        if (_waiting(places, load, lost) if waiting else lost) <= share:
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
