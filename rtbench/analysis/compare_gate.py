"""What a comparison is decided by: a statistic of a metric, its margin, and which direction is worse."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rtbench.core.errors import UsageError
from rtbench.core.metrics import BETTER
from rtbench.scenario.fault import did_you_mean
from rtbench.scenario.threshold_filter import Filter, check_filters, split_selector
from rtbench.scenario.threshold_metric import GENERATOR_UNITS, METRIC_UNITS, RUN_COUNTS

_STATISTIC = re.compile(r"p(?:50|75|90|95|99|99\.9)|rate")


@dataclass(frozen=True, slots=True)
class Gate:
    """`p95` of a metric, or `rate` for one that is 0 or 1."""

    metric: str
    statistic: str
    filters: tuple[Filter, ...] = ()

    @property
    def quantile(self) -> float | None:
        """The statistic as a share below, None for a rate."""
        return round(float(self.statistic[1:]) / 100, 6) if self.statistic[0] == "p" else None

    @property
    def is_time(self) -> bool:
        """Whether its metric is in ms."""
        return METRIC_UNITS[self.metric] == "ms"

    @property
    def worse(self) -> int:
        """1 where a larger value is worse, -1 where a smaller one is."""
        return -1 if BETTER[self.metric] == "more" else 1

    def __str__(self) -> str:
        filters = f"{{{','.join(map(str, self.filters))}}}" if self.filters else ""
        return f"{self.metric}{filters}:{self.statistic}"


def parse_gate(written: str) -> Gate:
    """Read `METRIC{FILTER,...}:STATISTIC`. Raises UsageError with the nearest valid name."""
    selector, _, statistic = written.rpartition(":")
    known = [name for name in METRIC_UNITS if name not in (*GENERATOR_UNITS, *RUN_COUNTS)]
    try:
        metric, filters = split_selector(selector)
        if metric not in known:
            raise ValueError(f"unknown metric '{metric}'{did_you_mean(metric, known)}")
        check_filters(metric, filters)
        if not _STATISTIC.fullmatch(statistic.strip()):
            raise ValueError(f"unknown statistic '{statistic}'; it is p50 .. p99.9, or rate")
        if (METRIC_UNITS[metric] == "rate") != (statistic.strip() == "rate"):
            raise ValueError(f"{metric} is in {METRIC_UNITS[metric]}, so its statistic is not {statistic}")
        if BETTER[metric] == "zero":
            raise ValueError(f"{metric} is signed: neither more nor less of it is better")
        if statistic.strip() != "rate" and BETTER[metric] == "more":
            raise ValueError(f"more of {metric} is better, which the margins do not provide for")
    except ValueError as error:
        raise UsageError(f"--gate '{written}': {error}") from None
    return Gate(metric, statistic.strip(), filters)


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse a figure may become before that is a regression."""

    relative: float = 0.05
    """Of a quantile, as a share of the base's; or `absolute`, whichever is the larger."""

    absolute: float = 25.0
    """Of a quantile of times, in ms."""

    rate: float = 0.02
    """Of a rate, as a difference."""


DEFAULT_GATES: tuple[Gate, ...] = tuple(
    parse_gate(written)
    for written in (
        "voice_to_voice_ms{tool=false}:p50",
        "voice_to_voice_ms{tool=false}:p95",
        "voice_to_voice_ms{tool=true}:p95",
        "barge_in_heard_stop_ms:p95",
        "response_rate:rate",
        "session_success_rate:rate",
        "yield_rate:rate",
        "false_interruption_rate:rate",
    )
)
"""What callers mind; of these, those of which either side has any."""
