"""Thresholds against what was measured: passed, failed, not for this run, or too few samples to say."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rtbench.analysis.filtering import filtered
from rtbench.analysis.health import merged_lateness
from rtbench.analysis.quantiles import quantiles, samples_needed
from rtbench.analysis.rates import MIN_SAMPLES
from rtbench.analysis.run_totals import RunTotals
from rtbench.analysis.samples import METRIC_NAMES, Rows, Sample, sample
from rtbench.scenario.threshold import Threshold
from rtbench.scenario.threshold_metric import GENERATOR_UNITS, RUN_COUNTS

Status = Literal["passed", "failed", "too_few_samples", "not_applicable", "unknown"]

GENERATOR_COLUMNS = {
    "loop_lag_ms": "loop_lag_max_ms",
    "gc_pause_ms": "gc_pause_max_ms",
    "cpu_share": "cpu_share",
}


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """One threshold judged. `failed`, `too_few_samples` and `unknown` fail the run."""

    threshold: Threshold
    status: Status
    n: int
    actual: float | None
    """Infinite where the statistic falls among turns that were never answered, None where it cannot be told."""

    known_up_to: float | None = None
    """With an infinite `actual`: what it is known to lie above."""

    reason: str = ""
    """Why there is no judgement, in words."""

    @property
    def fails(self) -> bool:
        """Whether the run fails by it; a threshold of another target, transport or scenario fails nothing."""
        return self.status not in ("passed", "not_applicable")


def judge_thresholds(thresholds: Iterable[Threshold], rows: Rows, run: RunTotals) -> list[ThresholdResult]:
    """Every threshold against these rows of this run."""
    return [_judge(threshold, rows, run) for threshold in thresholds]


def _judge(threshold: Threshold, rows: Rows, run: RunTotals) -> ThresholdResult:
    for each in threshold.filters:
        if each.is_of_run and not run.is_of(each.name, each.value):
            reason = f"the run is not of {each.name} {each.value}"
            return ThresholdResult(threshold, "not_applicable", 0, None, reason=reason)
    if threshold.metric in RUN_COUNTS:
        return _compared(threshold, 1, float(run.counts[threshold.metric]))
    if threshold.metric in GENERATOR_UNITS:
        return _judge_generator(threshold, run)
    return _judge_rows(threshold, rows)


def _judge_rows(threshold: Threshold, rows: Rows) -> ThresholdResult:
    if threshold.metric not in METRIC_NAMES:
        return _unknown(threshold, 0, f"there is no metric '{threshold.metric}'")
    measured = sample(threshold.metric, filtered(rows, threshold.filters))
    if threshold.statistic == "rate" and measured.unit != "rate":
        return _unknown(threshold, measured.n, f"{measured.name} is not a rate (its unit is {measured.unit})")
    actual, needed = _statistic(threshold, measured)
    if actual is None:
        return _too_few(threshold, measured.n, needed)
    return _compared(threshold, measured.n, actual, measured.known_up_to)


def _judge_generator(threshold: Threshold, run: RunTotals) -> ThresholdResult:
    """Frames are in a histogram, to three digits; the others have a value a second of each engine."""
    if threshold.metric != "send_lateness_ms":
        values = run.generator[GENERATOR_COLUMNS[threshold.metric]].dropna().to_numpy(np.float64)
        engines = run.generator["worker"].reindex(run.generator.index)
        measured = Sample(
            threshold.metric, GENERATOR_UNITS[threshold.metric], values, engines.head(len(values))
        )
        actual, needed = _statistic(threshold, measured)
        if actual is None:
            return _too_few(threshold, measured.n, needed)
        return _compared(threshold, measured.n, actual)
    histogram = merged_lateness(run.generator)
    n = int(histogram.get_total_count()) if histogram is not None else 0
    needed = samples_needed(threshold.quantile) if threshold.quantile is not None else 1
    if threshold.statistic == "count":
        return _compared(threshold, n, float(n))
    if histogram is None or n < needed:
        return _too_few(threshold, n, needed)
    match threshold.statistic:
        case "mean":
            microseconds = histogram.get_mean_value()
        case "min":
            microseconds = histogram.get_min_value()
        case "max":
            microseconds = histogram.get_max_value()
        case _:
            microseconds = histogram.get_value_at_percentile(100 * (threshold.quantile or 0.0))
    return _compared(threshold, n, float(microseconds) / 1000)


def _compared(threshold: Threshold, n: int, actual: float, known_up_to: float = math.inf) -> ThresholdResult:
    status: Status = "passed" if threshold.holds(actual) else "failed"
    return ThresholdResult(threshold, status, n, actual, known_up_to if math.isinf(actual) else None)


def _too_few(threshold: Threshold, n: int, needed: int) -> ThresholdResult:
    reason = f"{threshold.statistic} needs {needed} samples, there are {n}"
    return ThresholdResult(threshold, "too_few_samples", n, None, reason=reason)


def _unknown(threshold: Threshold, n: int, reason: str) -> ThresholdResult:
    return ThresholdResult(threshold, "unknown", n, None, reason=reason)


def _statistic(threshold: Threshold, measured: Sample) -> tuple[float | None, int]:
    """The statistic's value, and the n that it needs."""
    if threshold.quantile is not None:
        (found,) = quantiles(measured.values, measured.sessions, [threshold.quantile], with_interval=False)
        return found.value, found.needed
    match threshold.statistic:
        case "count":
            return float(measured.n), 0
        case "min" | "max" if measured.n:
            return float(getattr(measured.values, threshold.statistic)()), 1
        case "mean" | "rate" if measured.n >= MIN_SAMPLES:
            return float(measured.values.mean()), MIN_SAMPLES
        case "mean" | "rate":
            return None, MIN_SAMPLES
        case _:
            return None, 1
