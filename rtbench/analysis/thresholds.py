"""Thresholds against what was measured: passed, failed, or too few samples to say."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rtbench.analysis.quantiles import quantiles
from rtbench.analysis.rates import MIN_SAMPLES
from rtbench.analysis.samples import METRIC_NAMES, Rows, Sample, sample
from rtbench.scenario.threshold import Threshold

Status = Literal["passed", "failed", "too_few_samples", "unknown"]


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """One threshold judged. Only `passed` passes."""

    threshold: Threshold
    status: Status
    n: int
    actual: float | None
    """Infinite where the statistic falls among turns that were never answered, None where it cannot be told."""

    known_up_to: float | None = None
    """With an infinite `actual`: what it is known to lie above."""

    reason: str = ""
    """Why there is no judgement, in words."""


def judge_thresholds(thresholds: Iterable[Threshold], rows: Rows) -> list[ThresholdResult]:
    """Every threshold against these rows."""
    return [_judge(threshold, rows) for threshold in thresholds]


def _judge(threshold: Threshold, rows: Rows) -> ThresholdResult:
    if threshold.metric not in METRIC_NAMES:
        return ThresholdResult(
            threshold, "unknown", 0, None, reason=f"there is no metric '{threshold.metric}'"
        )
    measured = sample(threshold.metric, rows)
    if threshold.statistic == "rate" and measured.unit != "rate":
        reason = f"{measured.name} is not a rate (its unit is {measured.unit})"
        return ThresholdResult(threshold, "unknown", measured.n, None, reason=reason)
    actual, needed = _statistic(threshold, measured)
    if actual is None:
        reason = f"{threshold.statistic} needs {needed} samples, there are {measured.n}"
        return ThresholdResult(threshold, "too_few_samples", measured.n, None, reason=reason)
    known_up_to = measured.known_up_to if math.isinf(actual) else None
    status: Status = "passed" if threshold.holds(actual) else "failed"
    return ThresholdResult(threshold, status, measured.n, actual, known_up_to)


def _statistic(threshold: Threshold, measured: Sample) -> tuple[float | None, int]:
    """The statistic's value, and the n that it needs."""
    if threshold.quantile is not None:
        (found,) = quantiles(measured.values, measured.sessions, [threshold.quantile])
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
