"""Delays that a profile draws, each from a seeded generator, so that a run can be repeated.

Written in a profile as `200 ms`; `{normal: {mean: 300 ms, sd: 50 ms}}`;
`{lognormal: {median: 350 ms, p95: 900 ms}}`; `{empirical: [180 ms, 220 ms]}` or, once a file of
measured values in milliseconds has been read in, the list of its values.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol

from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean, fault

P95_Z = NormalDist().inv_cdf(0.95)


class Delay(Protocol):
    """A distribution of durations, none of them negative."""

    def draw_ms(self, rng: random.Random) -> float: ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same."""

    value_ms: float

    def draw_ms(self, rng: random.Random) -> float:
        return self.value_ms


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal distribution; what would be negative is 0."""

    mean_ms: float
    sd_ms: float

    def draw_ms(self, rng: random.Random) -> float:
        return max(0.0, rng.gauss(self.mean_ms, self.sd_ms))


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Lognormal distribution by two quantiles, as latencies are usually reported."""

    median_ms: float
    p95_ms: float

    def draw_ms(self, rng: random.Random) -> float:
        sigma = math.log(self.p95_ms / self.median_ms) / P95_Z
        return self.median_ms * math.exp(rng.gauss(0.0, sigma))


@dataclass(frozen=True, slots=True)
class Empirical:
    """Values that were measured, each as likely as the next."""

    values_ms: tuple[float, ...]

    def draw_ms(self, rng: random.Random) -> float:
        return rng.choice(self.values_ms)


ZERO = Constant(0.0)


def parse_delay(written: Any) -> Delay:
    """Read a delay as a profile writes it. Raises a pydantic error or ValueError with what to write instead."""
    if not isinstance(written, Mapping):
        return written if isinstance(written, _MODELS) else Constant(Duration.parse(written).ms)
    if len(written) != 1:
        raise fault(f"must name one of {', '.join(_PARSERS)}")
    [(name, numbers)] = written.items()
    parse = _PARSERS.get(name)
    if parse is None:
        raise fault(f"unknown delay model '{name}'{did_you_mean(str(name), _PARSERS)}", str(name))
    return parse(numbers)


def _normal(numbers: Any) -> Delay:
    mean_ms, sd_ms = _numbers(numbers, "normal", "mean", "sd")
    return Normal(mean_ms, sd_ms)


def _lognormal(numbers: Any) -> Delay:
    median_ms, p95_ms = _numbers(numbers, "lognormal", "median", "p95")
    if not 0 < median_ms <= p95_ms:
        raise fault("needs a median above 0 and a p95 that is not below it", "lognormal")
    return Lognormal(median_ms, p95_ms)


def _empirical(values: Any) -> Delay:
    if not isinstance(values, list | tuple) or not values:
        raise fault("must be a list of durations with at least one entry, or a file of them", "empirical")
    return Empirical(tuple(Duration.parse(value).ms for value in values))


def _numbers(numbers: Any, model: str, *names: str) -> list[float]:
    if not isinstance(numbers, Mapping) or set(numbers) != set(names):
        raise fault(f"must have exactly {' and '.join(names)}", model)
    return [Duration.parse(numbers[name]).ms for name in names]


_PARSERS: dict[str, Callable[[Any], Delay]] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "empirical": _empirical,
}
_MODELS = (Constant, Normal, Lognormal, Empirical)
