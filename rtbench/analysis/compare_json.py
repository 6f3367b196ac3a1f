"""`compare.json`: a comparison for programs.

Keys are only added under one `compare_version`. Quantities that cannot be told are null; an end of an
interval that is infinite is null too. An interval is {"estimate", "low", "high"}, at 95%.

    compare_version, metric_version
    change         REGRESSED | OK | INCONCLUSIVE
    sentence       the comparison in one plain sentence
    base, run      names of the runs
    metrics        [{metric, statistic, filters, change, improved, base, run, base_n, run_n, base_sessions,
                   run_sessions, ratio: interval, difference: interval, margin, p_value, sessions_needed,
                   reason}]   p_value: one-sided, against the margin, after Holm's adjustment
    shift          [{q, base, difference, low, high}]   of voice_to_voice_ms; the band is simultaneous
    notes          [sentence]
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rtbench.analysis.bootstrap import Interval
from rtbench.analysis.compare import Comparison
from rtbench.analysis.compare_metric import MetricComparison
from rtbench.analysis.summary_json import finite
from rtbench.core.metrics import METRIC_VERSION

COMPARE_VERSION = 1


def compare_json(comparison: Comparison) -> dict[str, Any]:
    """The content of `compare.json`; see the module for its keys."""
    return {
        "compare_version": COMPARE_VERSION,
        "metric_version": METRIC_VERSION,
        "change": comparison.change.value,
        "sentence": comparison.sentence,
        "base": comparison.base,
        "run": comparison.run,
        "metrics": [_metric(metric) for metric in comparison.metrics],
        "shift": [asdict(point) for point in comparison.shift],
        "notes": comparison.notes,
    }


def _metric(metric: MetricComparison) -> dict[str, Any]:
    return {
        "metric": metric.gate.metric,
        "statistic": metric.gate.statistic,
        "filters": [str(each) for each in metric.gate.filters],
        "change": metric.change.value,
        "improved": metric.improved,
        "base": finite(metric.base),
        "run": finite(metric.run),
        "base_n": metric.base_n,
        "run_n": metric.run_n,
        "base_sessions": metric.base_sessions,
        "run_sessions": metric.run_sessions,
        "ratio": _interval(metric.ratio),
        "difference": _interval(metric.difference),
        "margin": finite(metric.margin),
        "p_value": metric.p_value,
        "sessions_needed": metric.sessions_needed,
        "reason": metric.reason,
    }


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {"estimate": finite(interval.estimate), "low": finite(interval.low), "high": finite(interval.high)}
