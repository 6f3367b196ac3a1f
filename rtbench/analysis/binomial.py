"""The binomial and Student's distribution, as far as intervals need them.

Both are the regularised incomplete beta function, here by its continued fraction (DLMF 8.17.22, in
Lentz's way), since a report must not need a statistics package.
"""

from __future__ import annotations

import math
from functools import lru_cache

Z = 1.959963984540054
"""Two-sided 95% point of the normal distribution."""

_TINY = 1e-300
_ENOUGH = 1e-12
_MOST_TERMS = 10_000


def incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), for 0 <= x <= 1 and positive a, b."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1.0 - incomplete_beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _not_zero(1.0 + term * d)
            c = _not_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _ENOUGH:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def at_least(k: float, n: float, q: float) -> float:
    """Probability of k or more successes of n at q each; k and n may be fractions, as effective sizes are."""
    return 1.0 if k <= 0 else incomplete_beta(q, k, n - k + 1)


@lru_cache(maxsize=1024)
def t_point(degrees: float) -> float:
    """Two-sided 95% point of Student's distribution: 1.96 for many degrees of freedom, 2.26 for 9."""
    low, high = Z, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        beyond = incomplete_beta(degrees / (degrees + middle**2), degrees / 2, 0.5)
        low, high = (middle, high) if beyond > 0.05 else (low, middle)
    return high
