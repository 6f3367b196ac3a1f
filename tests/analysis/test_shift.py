"""The shift function."""

import numpy as np
import pandas as pd
import pytest

from rtbench.analysis.compare_gate import parse_gate
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.samples import Sample
from rtbench.analysis.shift import SHIFT_QUANTILES, shift_function


def figure(values: np.ndarray, sessions: int | None = None, seed: int = 1) -> Figure:
    named = pd.Series(np.arange(len(values)) % (sessions or len(values)))
    sample = Sample("voice_to_voice_ms", "ms", values, named)
    return Figure(parse_gate("voice_to_voice_ms:p50"), [sample], np.random.default_rng(seed), 400)


BASE = np.random.default_rng(1).normal(1000, 100, 500)


def test_a_constant_delay_shifts_every_decile_alike() -> None:
    points = shift_function(figure(BASE), figure(BASE + 80, seed=2))
    assert [point.q for point in points] == list(SHIFT_QUANTILES)
    assert [point.difference for point in points] == pytest.approx([80.0] * len(points))
    assert all(point.low < 80 < point.high for point in points)


def test_a_slow_tail_shows_where_it_is() -> None:
    slow = BASE + 400 * (np.quantile(BASE, 0.8) < BASE)
    by_q = {point.q: point for point in shift_function(figure(BASE), figure(slow, seed=2))}
    assert by_q[0.5].low < 0 < by_q[0.5].high
    assert by_q[0.95].low > 0


def test_the_band_holds_for_all_deciles_at_once() -> None:
    """A against A: the whole band holds 0 in about 95 % of all cases; separate intervals would in about 80 %."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(60):
        one, other = (rng.normal(1000, 100, 200) for _ in range(2))
        points = shift_function(figure(one), figure(other, seed=2))
        held += all(point.low <= 0 <= point.high for point in points)
    assert held >= 52  # 95 % of 60 less three standard deviations


def test_what_has_too_few_sessions_or_turns_is_left_out() -> None:
    assert shift_function(figure(BASE, sessions=9), figure(BASE)) == []
    assert shift_function(figure(BASE[:4]), figure(BASE)) == []
    few = shift_function(figure(BASE[:40]), figure(BASE[:40]))
    assert 0.95 not in [point.q for point in few] and 0.5 in [point.q for point in few]


def test_quantiles_among_unanswered_turns_are_left_out() -> None:
    lost = np.concatenate([BASE[:400], np.full(100, np.inf)])
    points = shift_function(figure(BASE), figure(lost, seed=2))
    assert max(point.q for point in points) <= 0.8
