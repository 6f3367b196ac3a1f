"""The comparison of one figure: margins, verdicts, and what is missing for one."""

import math

import numpy as np
import pandas as pd
import pytest

from rtbench.analysis.compare_gate import Margins, parse_gate
from rtbench.analysis.compare_metric import Change, MetricComparison, adjusted, compare_figures
from rtbench.analysis.compare_side import Figure
from rtbench.analysis.rates import wilson
from rtbench.analysis.samples import Sample


def figure(gate: str, values, sessions=None, seed: int = 1) -> Figure:
    values = np.asarray(values, float)
    named = pd.Series(range(len(values)) if sessions is None else sessions)
    return Figure(parse_gate(gate), [Sample("m", "", values, named)], np.random.default_rng(seed), 800)


def waits(factor: float = 1.0, n: int = 400, seed: int = 2) -> np.ndarray:
    return factor * 1000 * np.random.default_rng(seed).lognormal(0, 0.1, n)


def compare(base, run, gate: str = "voice_to_voice_ms:p50", **margins: float) -> MetricComparison:
    return compare_figures(figure(gate, base, seed=1), figure(gate, run, seed=2), Margins(**margins))


@pytest.mark.parametrize(
    ("factor", "change"),
    [(0.8, Change.OK), (1.0, Change.OK), (1.05, Change.INCONCLUSIVE), (1.12, Change.REGRESSED)],
)
def test_the_interval_of_the_ratio_decides_against_the_margin(factor: float, change: Change) -> None:
    found = compare(waits(), waits(factor, seed=3))
    assert found.change is change
    assert found.ratio is not None and found.ratio.low < factor < found.ratio.high
    assert found.margin == pytest.approx(50, abs=2)


def test_the_margin_is_the_larger_of_a_share_and_a_time() -> None:
    assert compare(waits(0.1), waits(0.1, seed=3)).margin == 25.0
    assert compare(waits(), waits(seed=3), relative=0.2).margin == pytest.approx(200, abs=5)


def test_an_improvement_is_ok_and_told() -> None:
    found = compare(waits(), waits(0.9, seed=3))
    assert (found.change, found.improved) == (Change.OK, True)
    assert not compare(waits(), waits(1.12, seed=3)).improved


def test_a_base_that_is_not_above_0_is_compared_by_the_difference() -> None:
    base = np.random.default_rng(2).normal(-10, 5, 200)
    found = compare(base, base[::-1] + 60)
    assert found.ratio is None and found.difference is not None
    assert found.difference.estimate == pytest.approx(60, abs=2)
    assert (found.change, found.margin) == (Change.REGRESSED, 25.0)


def test_waits_for_ever_on_both_sides_are_no_change_and_on_one_a_regression() -> None:
    lost = np.concatenate([waits(n=10), np.full(90, np.inf)])
    assert compare(lost, lost).change is Change.OK
    worse = compare(waits(n=100), lost)
    assert worse.change is Change.REGRESSED and worse.run == math.inf
    assert compare(lost, waits(n=100)).change is Change.OK


def test_a_rate_of_which_more_is_better_gets_worse_by_falling() -> None:
    kept, forgotten = np.ones(60), np.tile([1.0, 0.0], 30)
    for gate in ("context_retained_rate:rate", "context_retained:rate", "recovered:rate"):
        fallen = compare(kept, forgotten, gate)
        assert (fallen.change, fallen.improved) == (Change.REGRESSED, False)
        assert (compare(forgotten, kept, gate).change, compare(forgotten, kept, gate).improved) == (
            Change.OK,
            True,
        )


def test_too_few_turns_or_sessions_are_told_with_what_it_takes() -> None:
    few = compare(waits(n=30), waits(n=30), "voice_to_voice_ms:p95")
    assert (few.change, few.base, few.sessions_needed) == (Change.INCONCLUSIVE, None, 59)
    assert few.reason == "the base has 30 samples, p95 needs 59"
    gate = "voice_to_voice_ms:p50"
    narrow = figure(gate, waits(n=90), np.repeat(range(9), 10))
    assert (
        compare_figures(narrow, narrow, Margins()).reason == "the base has 9 sessions, an interval needs 10"
    )
    nothing = Figure(parse_gate(gate), [], np.random.default_rng(1), 10)
    none = compare_figures(figure(gate, waits()), nothing, Margins())
    assert (none.change, none.reason, none.sessions_needed) == (Change.INCONCLUSIVE, "the run has none", None)


def test_what_cannot_be_told_says_how_many_sessions_would() -> None:
    small = compare(waits(n=40), waits(1.02, n=40, seed=3))
    assert small.change is Change.INCONCLUSIVE
    assert small.ratio is not None and small.margin is not None and small.base is not None
    edge = 1 + small.margin / small.base
    assert small.ratio.estimate < edge < small.ratio.high
    shorter = (edge - small.ratio.estimate) / (small.ratio.high - small.ratio.estimate)
    # The interval must shrink to that share, and by another 1.96 / (1.96 + 0.84) for four cases of five.
    assert small.sessions_needed == pytest.approx(40 / (shorter * 1.96 / (1.96 + 0.84)) ** 2, rel=0.02)


def test_a_rate_is_judged_by_its_difference() -> None:
    base, good, bad = (np.repeat([1.0, 0.0], counts) for counts in ([990, 10], [985, 15], [900, 100]))
    assert compare(base, good, "response_rate:rate").change is Change.OK
    found = compare(base, bad, "response_rate:rate")
    assert found.change is Change.REGRESSED
    assert found.difference is not None and found.difference.estimate == pytest.approx(-0.09)
    assert compare(bad, base, "response_rate:rate").improved


def test_of_a_rate_of_faults_more_is_worse() -> None:
    base, bad = (np.repeat([1.0, 0.0], counts) for counts in ([10, 990], [100, 900]))
    assert compare(base, bad, "false_interruption_rate:rate").change is Change.REGRESSED
    assert compare(bad, base, "false_interruption_rate:rate").change is Change.OK


def test_a_rate_without_a_fault_on_either_side_is_as_unsure_as_newcombe_says() -> None:
    found = compare(np.ones(30), np.ones(30), "response_rate:rate")
    low, _ = wilson(1.0, 30)
    assert found.difference is not None
    assert found.difference.low == pytest.approx(low - 1.0)
    assert found.change is Change.INCONCLUSIVE


def test_a_rate_without_a_fault_needs_as_many_more_sessions_as_its_interval_is_too_wide() -> None:
    found = compare(np.ones(30), np.ones(30), "response_rate:rate")
    assert found.difference is not None
    by_hand = 30 * (1.96 + 0.84) / 1.96 * -found.difference.low / 0.02
    assert found.sessions_needed == pytest.approx(by_hand, rel=0.02)


def test_a_regression_that_is_not_sure_enough_among_many_cannot_be_told() -> None:
    found = compare(waits(), waits(1.12, seed=3))
    assert found.p_value is not None and found.p_value < 0.001
    assert adjusted(found, 0.02).change is Change.REGRESSED
    unsure = adjusted(found, 0.03)
    assert (unsure.change, unsure.p_value) == (Change.INCONCLUSIVE, 0.03)
