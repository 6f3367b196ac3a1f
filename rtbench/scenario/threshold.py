"""Limits that a run is judged by: one statistic of one metric, of all rows or of some, against a number.

In a scenario a metric, with filters in braces where it is not taken of all rows, leads to its limits;
a limit that is to end the run early says after how long it is first looked at:

    thresholds:
      voice_to_voice_ms: {p50: "< 600", p95: "< 800"}
      voice_to_voice_ms{turn_kind=tool}: {p95: "< 2500"}
      response_rate: {rate: {limit: ">= 0.95", abort_on_fail: {after: 30 s}}}

On a command line, and wherever one is told, it is `METRIC{FILTER,...}:STATISTIC OPERATOR LIMIT`:

    voice_to_voice_ms{turn_kind=tool}:p95<2500
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from rtbench.core.errors import UsageError
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean, fault, shown
from rtbench.scenario.threshold_filter import Filter, check_filters, split_selector
from rtbench.scenario.threshold_metric import KNOWN_METRICS, METRIC_UNITS, RUN_COUNTS, measured_on

Statistic = Literal["p50", "p75", "p90", "p95", "p99", "p99.9", "mean", "min", "max", "rate", "count"]
"""`rate` is the mean of a metric that is 0 or 1; `count` is the number of its values."""

Operator = Literal["<", "<=", ">", ">="]

STATISTICS: tuple[Statistic, ...] = get_args(Statistic)

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LIMIT_PATTERN = r"(<=|>=|<|>) *(-?[0-9]+(?:\.[0-9]+)?)"
_WRITTEN = re.compile(rf"(?P<selector>[^:]+):(?P<statistic>[^<>=\s]+) *(?P<limit>{LIMIT_PATTERN})")


@dataclass(frozen=True, slots=True)
class Threshold:
    """`statistic` of `metric` must stand in this relation to `limit`, which is in the metric's own unit."""

    metric: str
    statistic: Statistic
    operator: Operator
    limit: float
    filters: tuple[Filter, ...] = ()
    abort_after_s: float | None = None
    """Where it ends the run as soon as it does not hold: after so many seconds it is looked at."""

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """From `run.json`, also of a version without filters."""
        return cls(
            written["metric"],
            written["statistic"],
            written["operator"],
            float(written["limit"]),
            tuple(Filter(**each) for each in written.get("filters", ())),
            written.get("abort_after_s"),
        )

    @property
    def quantile(self) -> float | None:
        """The statistic as a share below (p95: 0.95), None where it is no percentile."""
        return round(float(self.statistic[1:]) / 100, 6) if self.statistic[0] == "p" else None

    def holds(self, value: float) -> bool:
        """Whether a measured value of the statistic is within the limit."""
        return _OPERATORS[self.operator](value, self.limit)

    @property
    def may_abort(self) -> bool:
        """Whether it can be judged while the run goes on."""
        return not _why_no_abort(self.metric, self.statistic, self.operator)

    @property
    def selector(self) -> str:
        """Metric and filters as a scenario writes them."""
        filters = ",".join(map(str, self.filters))
        return f"{self.metric}{{{filters}}}" if filters else self.metric

    @property
    def bound(self) -> str:
        """The relation and the limit as a scenario writes them, `< 800`."""
        return f"{self.operator} {self.limit:.12g}"

    def __str__(self) -> str:
        return f"{self.selector} {self.statistic} {self.bound}"


def parse_threshold(written: str) -> Threshold:
    """Read one of a command line. Raises UsageError with the nearest valid name."""
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise UsageError(
            f"--threshold '{written}': must be METRIC{{FILTER,...}}:STATISTIC<LIMIT, "
            "such as 'voice_to_voice_ms{turn_kind=tool}:p95<800'"
        )
    try:
        (threshold,) = parse_thresholds(
            {match["selector"]: {match["statistic"]: match["limit"]}}, KNOWN_METRICS
        )
    except ValueError as error:
        sentence = (getattr(error, "context", None) or {}).get("sentence", str(error))
        raise UsageError(f"--threshold '{written}': {sentence}") from None
    return threshold


def parse_thresholds(written: object, known_metrics: Iterable[str]) -> tuple[Threshold, ...]:
    """Read `{selector: {statistic: "< limit"}}`.

    Raises a pydantic error that leads to the key with the nearest valid metric, filter or statistic.
    """
    if not isinstance(written, Mapping):
        raise fault(f"must map metrics to their limits, not {shown(written)}")
    known = tuple(known_metrics)
    found = []
    for selector, limits in written.items():
        metric, filters = _selected(selector, known)
        if not isinstance(limits, Mapping) or not limits:
            raise fault(f"must map statistics to limits, such as p95: '< 800', not {shown(limits)}", selector)
        found += [
            replace(_threshold(metric, selector, statistic, limit), filters=filters)
            for statistic, limit in limits.items()
        ]
    return tuple(found)


def _selected(selector: object, known: tuple[str, ...]) -> tuple[str, tuple[Filter, ...]]:
    written = str(selector)
    try:
        metric, filters = split_selector(written)
    except ValueError as error:
        raise fault(str(error), written) from None
    if metric not in known:
        raise fault(f"unknown metric '{metric}'{did_you_mean(metric, known)}", written)
    if metric in METRIC_UNITS:
        try:
            check_filters(metric, filters)
        except ValueError as error:
            raise fault(str(error), written) from None
    return metric, filters


def _threshold(metric: str, selector: str, statistic: object, written: object) -> Threshold:
    for name in STATISTICS:
        if name == statistic:
            break
    else:
        hint = did_you_mean(str(statistic), STATISTICS)
        raise fault(f"unknown statistic '{statistic}'{hint}", selector, str(statistic))
    bound, abort_after_s = _split_limit(written, selector, name)
    match = re.fullmatch(LIMIT_PATTERN, bound.strip()) if isinstance(bound, str) else None
    if match is None:
        raise fault(f"must be a limit such as '< 800' or '>= 0.99', not {shown(bound)}", selector, name)
    limit = float(match[2])
    if name == "rate":
        _check_rate(metric, selector, limit)
    if metric in RUN_COUNTS and name != "count":
        raise fault(f"{metric} is a total of the run: its statistic is count", selector, name)
    relation: Operator = match[1]  # type: ignore[assignment]  # one of the four, by the pattern
    if abort_after_s is not None and (why := _why_no_abort(metric, name, relation)):
        raise fault(why, selector, name)
    return Threshold(metric, name, relation, limit, abort_after_s=abort_after_s)


def _split_limit(written: object, selector: str, statistic: str) -> tuple[object, float | None]:
    """The limit, and after how long it may end the run, of `< 800` or `{limit: "< 800", abort_on_fail: {after: 30 s}}`."""
    if not isinstance(written, Mapping):
        return written, None
    for keys, valid, at in (
        (written, ("limit", "abort_on_fail"), (selector, statistic)),
        (written.get("abort_on_fail", {"after": ""}), ("after",), (selector, statistic, "abort_on_fail")),
    ):
        if not isinstance(keys, Mapping):
            raise fault(
                f"must say when it is first looked at, such as {{after: 30 s}}, not {shown(keys)}", *at
            )
        for key in keys:
            if key not in valid:
                raise fault(f"unknown key '{key}'{did_you_mean(str(key), valid)}", *at, str(key))
        if valid[0] not in keys:
            raise fault("is missing", *at, valid[0])
    if "abort_on_fail" not in written:
        return written["limit"], None
    try:
        after = Duration.parse(written["abort_on_fail"]["after"])
    except ValueError as error:
        raise fault(str(error), selector, statistic, "abort_on_fail", "after") from None
    return written["limit"], after.s


def _why_no_abort(metric: str, statistic: Statistic, relation: Operator) -> str:
    """Why a threshold cannot end a run early; empty where it can."""
    if metric not in METRIC_UNITS or measured_on(metric) in ("events", "generator") or metric == "rows_lost":
        return "only a metric of turns, sessions, stimuli or incidents can end a run early"
    if statistic == "count" and relation in (">", ">="):
        return "a number that is still to be reached cannot end a run early"
    return ""


def _check_rate(metric: str, selector: str, limit: float) -> None:
    unit = METRIC_UNITS.get(metric, "rate")
    if unit != "rate":
        raise fault(f"rate is for metrics that are 0 or 1; this one is in {unit}", selector, "rate")
    if not 0 <= limit <= 1:
        raise fault(f"a rate lies between 0 and 1, not at {limit:g}", selector, "rate")


def _validate(written: Any, info: ValidationInfo) -> tuple[Threshold, ...]:
    if isinstance(written, tuple):
        return written
    known = (info.context or {}).get("known_metrics", KNOWN_METRICS)
    return parse_thresholds(written, known)


def _as_written(thresholds: tuple[Threshold, ...]) -> dict[str, dict[str, Any]]:
    written: dict[str, dict[str, Any]] = {}
    for threshold in thresholds:
        limit: Any = threshold.bound
        if threshold.abort_after_s is not None:
            limit = {"limit": limit, "abort_on_fail": {"after": f"{threshold.abort_after_s:.12g} s"}}
        written.setdefault(threshold.selector, {})[threshold.statistic] = limit
    return written


def _json_schema() -> dict[str, Any]:
    bound = {"type": "string", "pattern": f"^{LIMIT_PATTERN}$", "examples": ["< 800", ">= 0.99"]}
    after = {"type": "object", "properties": {"after": {"type": "string", "examples": ["30 s"]}}}
    aborting = {
        "type": "object",
        "properties": {
            "limit": bound,
            "abort_on_fail": {**after, "required": ["after"], "additionalProperties": False},
        },
        "required": ["limit"],
        "additionalProperties": False,
    }
    limits = {
        "type": "object",
        "propertyNames": {"enum": list(STATISTICS)},
        "additionalProperties": {"anyOf": [bound, aborting]},
        "minProperties": 1,
    }
    filtered = rf"^({'|'.join(KNOWN_METRICS)}) *\{{[^{{}}]+\}}$"
    return {
        "type": "object",
        "propertyNames": {"anyOf": [{"enum": list(KNOWN_METRICS)}, {"pattern": filtered}]},
        "additionalProperties": limits,
    }


Thresholds = Annotated[
    tuple[Threshold, ...],
    PlainValidator(_validate),
    PlainSerializer(_as_written, when_used="json"),
    WithJsonSchema(_json_schema()),
]
"""The type of a model's field; the validation context may name the `known_metrics`."""
