"""The chain behind jitter: its two ends by hand, and all between by simulation with an independent generator."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace

import pytest

from rtbench.core import delay_variation as module
from rtbench.core.delay_variation import SMALLEST_SCALE, delay_variation

H_MS = 20.0


def simulated(floor_ms: float, scale_ms: float, count: int = 100_000) -> tuple[float, float]:
    """Mean delay and mean step of D' = max(X, D - h), drawn one by one."""
    draw = random.Random(5).expovariate
    above, total, steps = 0.0, 0.0, 0.0
    for _ in range(count):
        before = above
        above = max(draw(1 / scale_ms), above - H_MS)
        total += above
        steps += abs(above - before)
    return floor_ms + total / count, steps / count


@pytest.mark.parametrize(("delay_ms", "jitter_ms"), [(15, 4), (50, 15), (150, 25), (250, 30)])
def test_the_chain_has_the_mean_and_the_jitter_that_were_asked_for(delay_ms: float, jitter_ms: float) -> None:
    found = delay_variation(delay_ms, jitter_ms, H_MS)

    mean_ms, step_ms = simulated(found.floor_ms, found.scale_ms)
    assert mean_ms == pytest.approx(delay_ms, rel=0.01)
    assert step_ms == pytest.approx(jitter_ms, rel=0.01)


def test_far_apart_packets_do_not_wait_for_each_other() -> None:
    found = delay_variation(50, 2, H_MS)  # ten scales between two packets

    assert found.scale_ms == pytest.approx(2, rel=0.001)
    assert found.floor_ms == pytest.approx(48, rel=0.001)


@pytest.mark.parametrize("jitter_ms", [0.01, 0.999 * SMALLEST_SCALE * H_MS, 1.001 * SMALLEST_SCALE * H_MS])
def test_a_small_jitter_is_the_exponential_part_itself(jitter_ms: float) -> None:
    found = delay_variation(50, jitter_ms, H_MS)

    assert found.scale_ms == pytest.approx(jitter_ms, rel=0.002)
    assert found.floor_ms == pytest.approx(50 - jitter_ms, rel=0.001)


@pytest.mark.parametrize("jitter_ms", [0.02, 0.2, 1.9, 2.1, 20, 60])
def test_no_jitter_costs_more_than_a_moment(jitter_ms: float, monkeypatch) -> None:
    """Counted in exponentials, of which a processor takes ten million a second and more."""
    calls = []
    counting = SimpleNamespace(ceil=math.ceil, exp=lambda x: calls.append(x) or math.exp(x))
    monkeypatch.setattr(module, "math", counting)

    delay_variation.__wrapped__(2_000, jitter_ms, 40.0)

    assert len(calls) < 100_000


def test_without_jitter_the_delay_is_its_floor() -> None:
    assert (delay_variation(30, 0, H_MS).floor_ms, delay_variation(30, 0, H_MS).scale_ms) == (30, 0)


def test_a_jitter_needs_its_delay() -> None:
    with pytest.raises(ValueError, match="30 ms of jitter need a mean delay of at least 142 ms"):
        delay_variation(100, 30, H_MS)


def test_no_queue_varies_by_twice_the_spacing() -> None:
    with pytest.raises(ValueError, match="no queue varies by 40 ms between packets 20 ms apart"):
        delay_variation(10_000, 40, H_MS)
    with pytest.raises(ValueError, match="no queue"):
        delay_variation(1e12, 1e11, H_MS)  # told without a look at so long a queue
