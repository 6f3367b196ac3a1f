"""Delay that varies as behind a queue: order is kept, and what a receiver measures is what was asked for.

A packet's own delay is a floor and an exponential part. Where it would overtake the packet before it, it arrives
together with that one. With packets `h` apart the delay above the floor is then the Markov chain

    D' = max(X, D - h)        X exponential with mean s

whose stationary distribution is the product of 1 - exp(-(x + k h) / s) over k = 0, 1, 2, ... Its mean lies above s,
the mean difference of two packets that follow each other (RFC 3550, 6.4.1: interarrival jitter) below s,
and ever further below as s grows: holding packets back smooths the line, so that jitter stays under 2 h. Here
the equation is solved for s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

LARGEST_SCALE = 20.0
"""In spacings of packets: half a second at 20 ms, the length of a queue that drops."""

SMALLEST_SCALE = 0.05
"""Below, a packet waits for the one before it once in e^20: delays are then independent, and both numbers are `s`."""


@dataclass(frozen=True, slots=True)
class DelayVariation:
    """How the delay of packets is drawn; both numbers are milliseconds."""

    floor_ms: float
    """The least delay."""

    scale_ms: float
    """Mean of the exponential part."""


@lru_cache(maxsize=64)
def delay_variation(delay_ms: float, jitter_ms: float, spacing_ms: float) -> DelayVariation:
    """What makes packets that leave `spacing_ms` apart arrive with this mean delay and this interarrival jitter.

    Takes some milliseconds, so ask before time matters; the answer is kept. Raises ValueError where no queue does
    this: such a jitter needs a larger delay, or packets further apart.
    """
    if not jitter_ms:
        return DelayVariation(delay_ms, 0.0)
    low = high = jitter_ms / spacing_ms
    while high > LARGEST_SCALE or _mean_and_jitter(high)[1] * spacing_ms < jitter_ms:
        if high > LARGEST_SCALE:
            raise ValueError(f"no queue varies by {jitter_ms:g} ms between packets {spacing_ms:g} ms apart")
        low, high = high, 1.4 * high
    for _ in range(14):
        scale = (low + high) / 2
        if _mean_and_jitter(scale)[1] * spacing_ms < jitter_ms:
            low = scale
        else:
            high = scale
    mean_ms = _mean_and_jitter(high)[0] * spacing_ms
    if mean_ms > delay_ms:
        raise ValueError(f"{jitter_ms:g} ms of jitter need a mean delay of at least {math.ceil(mean_ms)} ms")
    return DelayVariation(delay_ms - mean_ms, high * spacing_ms)


def _mean_and_jitter(scale: float) -> tuple[float, float]:
    """Mean of the chain above, and its mean step up or down; all in spacings of packets."""
    if scale < SMALLEST_SCALE:
        return scale, scale
    per_spacing = max(20, math.ceil(10 / scale))
    step = 1 / per_spacing
    count = math.ceil((12 * scale + 2) * per_spacing)  # beyond, the distribution is 1 to five digits
    above = [0.0] * (count + 1 + per_spacing)  # share of the packets that are delayed by more
    for at in range(count, -1, -1):
        above[at] = 1 - (1 - math.exp(-at * step / scale)) * (1 - above[at + per_spacing])
    # Share that the next packet's own delay lies below by more than t: the integral of exp(-(x - t) / s) / s * above(x)
    # over x from t on. A step down ends at one spacing, and there are no more steps up than down.
    kept = math.exp(-step / scale)
    falls = [0.0] * (count + 2)
    for at in range(count, -1, -1):
        falls[at] = kept * falls[at + 1] + (1 - kept) * (above[at] + above[at + 1]) / 2
    return _area(above, step), 2 * _area(falls[: per_spacing + 1], step)


def _area(values: list[float], step: float) -> float:
    """The trapezoidal rule."""
    return step * (sum(values) - (values[0] + values[-1]) / 2)
