"""Limits that a run is judged by: one statistic of one metric against a number."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from rtbench.core.metrics import SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.scenario.fault import did_you_mean, fault, shown

Statistic = Literal["p50", "p90", "p95", "p99", "p99.9", "mean", "min", "max", "rate", "count"]
"""`rate` is the mean of a metric that is 0 or 1; `count` is the number of its values."""

Operator = Literal["<", "<=", ">", ">="]

STATISTICS: tuple[Statistic, ...] = get_args(Statistic)

RATES = (
    "response_rate",
    "continuity_ok_rate",
    "session_success_rate",
    "yield_rate",
    "missed_interruption_rate",
    "false_interruption_rate",
    "resumed_rate",
    "truncation_rejected_rate",
    "cut_in_rate",
    "false_cutoff_rate",
    "conversation_flow",
)
"""Shares of all the turns, sessions or stimuli to which they apply, 0 to 1; the report tells the flow in per cent."""

METRIC_UNITS: dict[str, str] = {
    **{metric.name: metric.unit for metric in TURN_METRICS},
    **{metric.name: metric.unit for metric in SESSION_METRICS},
    **{metric.name: metric.unit for metric in STIMULUS_METRICS},
    **dict.fromkeys(RATES, "rate"),
}
"""What a threshold may name: metrics of one turn, session or stimulus, and rates over all of them."""

KNOWN_METRICS: tuple[str, ...] = tuple(METRIC_UNITS)

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LIMIT_PATTERN = r"(<=|>=|<|>) *(-?[0-9]+(?:\.[0-9]+)?)"


@dataclass(frozen=True, slots=True)
class Threshold:
    """`statistic` of `metric` must stand in this relation to `limit`, which is in the metric's own unit."""

    metric: str
    statistic: Statistic
    operator: Operator
    limit: float

    @property
    def quantile(self) -> float | None:
        """The statistic as a share below (p95: 0.95), None where it is no percentile."""
        return round(float(self.statistic[1:]) / 100, 6) if self.statistic[0] == "p" else None

    def holds(self, value: float) -> bool:
        """Whether a measured value of the statistic is within the limit."""
        return _OPERATORS[self.operator](value, self.limit)

    @property
    def bound(self) -> str:
        """The relation and the limit as a scenario writes them, `< 800`."""
        return f"{self.operator} {self.limit:.12g}"

    def __str__(self) -> str:
        return f"{self.metric} {self.statistic} {self.bound}"


def parse_thresholds(written: object, known_metrics: Iterable[str]) -> tuple[Threshold, ...]:
    """Read `{metric: {statistic: "< limit"}}`.

    Raises a pydantic error that leads to the key with the nearest valid metric or statistic.
    """
    if not isinstance(written, Mapping):
        raise fault(f"must map metrics to their limits, not {shown(written)}")
    known = tuple(known_metrics)
    found = []
    for metric, limits in written.items():
        if metric not in known:
            raise fault(f"unknown metric '{metric}'{did_you_mean(str(metric), known)}", metric)
        if not isinstance(limits, Mapping) or not limits:
            raise fault(f"must map statistics to limits, such as p95: '< 800', not {shown(limits)}", metric)
        found += [_threshold(metric, statistic, limit) for statistic, limit in limits.items()]
    return tuple(found)


def _threshold(metric: str, statistic: object, written: object) -> Threshold:
    for name in STATISTICS:
        if name == statistic:
            break
    else:
        hint = did_you_mean(str(statistic), STATISTICS)
        raise fault(f"unknown statistic '{statistic}'{hint}", metric, str(statistic))
    match = re.fullmatch(LIMIT_PATTERN, written.strip()) if isinstance(written, str) else None
    if match is None:
        raise fault(f"must be a limit such as '< 800' or '>= 0.99', not {shown(written)}", metric, name)
    limit = float(match[2])
    if name == "rate":
        _check_rate(metric, limit)
    relation: Operator = match[1]  # type: ignore[assignment]  # one of the four, by the pattern
    return Threshold(metric, name, relation, limit)


def _check_rate(metric: str, limit: float) -> None:
    unit = METRIC_UNITS.get(metric, "rate")
    if unit != "rate":
        raise fault(f"rate is for metrics that are 0 or 1; this one is in {unit}", metric, "rate")
    if not 0 <= limit <= 1:
        raise fault(f"a rate lies between 0 and 1, not at {limit:g}", metric, "rate")


def _validate(written: Any, info: ValidationInfo) -> tuple[Threshold, ...]:
    if isinstance(written, tuple):
        return written
    known = (info.context or {}).get("known_metrics", KNOWN_METRICS)
    return parse_thresholds(written, known)


def _as_written(thresholds: tuple[Threshold, ...]) -> dict[str, dict[str, str]]:
    written: dict[str, dict[str, str]] = {}
    for threshold in thresholds:
        written.setdefault(threshold.metric, {})[threshold.statistic] = threshold.bound
    return written


def _json_schema() -> dict[str, Any]:
    limit = {"type": "string", "pattern": f"^{LIMIT_PATTERN}$", "examples": ["< 800", ">= 0.99"]}
    limits = {
        "type": "object",
        "propertyNames": {"enum": list(STATISTICS)},
        "additionalProperties": limit,
        "minProperties": 1,
    }
    return {
        "type": "object",
        "propertyNames": {"enum": list(KNOWN_METRICS)},
        "additionalProperties": limits,
    }


Thresholds = Annotated[
    tuple[Threshold, ...],
    PlainValidator(_validate),
    PlainSerializer(_as_written, when_used="json"),
    WithJsonSchema(_json_schema()),
]
"""The type of a model's field; the validation context may name the `known_metrics`."""
