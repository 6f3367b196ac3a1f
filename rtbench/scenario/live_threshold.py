"""Thresholds while a run goes on: whether one that may end the run does not hold any more.

Judged over all rows so far, by the report's own rules and without what only a report needs. A
statistic without enough samples does not end a run; what fails the run is the report's judgement.
"""

from __future__ import annotations

import json
import math
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rtbench.core.answers import outage_value, turn_value
from rtbench.core.errors import ThresholdBroken
from rtbench.core.metrics import RATES
from rtbench.scenario.threshold import Threshold
from rtbench.scenario.threshold_filter import RUN_FILTERS
from rtbench.scenario.threshold_metric import RUN_COUNTS, measured_on

Row = Mapping[str, Any]

MIN_SAMPLES = 10
"""For a mean or a rate, as in the report."""

_RATES = {rate.name: rate for rate in RATES}


class LiveThresholds:
    """The thresholds of a run that may end it, with what is known of each."""

    def __init__(self, thresholds: Iterable[Threshold], *, target: str, transport: str) -> None:
        """Those that cannot end the run, or are of other targets or transports, are left out."""
        run = {"target": target, "transport": transport}
        self._watched = [
            _Watched(threshold)
            for threshold in thresholds
            if threshold.abort_after_s is not None
            and all(run.get(each.name, each.value) == each.value for each in threshold.filters)
        ]

    def take(self, table: str, row: Row) -> None:
        """One finished row of a table."""
        for watched in self._watched:
            watched.take(table, row)

    def stop(self, elapsed_s: float) -> ThresholdBroken | None:
        """Why the run is to end; None as long as it may go on."""
        for watched in self._watched:
            threshold = watched.threshold
            assert threshold.abort_after_s is not None
            if elapsed_s < threshold.abort_after_s:
                continue
            value = watched.value()
            if value is not None and not threshold.holds(value):
                told = "never answered" if math.isinf(value) else f"{value:.5g}"
                return ThresholdBroken(f"stopped after {elapsed_s:.0f} s: {threshold} does not hold ({told})")
        return None


class _Watched:
    """One threshold, and the values of its metric in ascending order."""

    def __init__(self, threshold: Threshold) -> None:
        self.threshold = threshold
        self._values: list[float] = []
        self._count = 0
        self._table, self._read = values_of(threshold.metric)

    def take(self, table: str, row: Row) -> None:
        if table != self._table or not self._admits(row):
            return
        for value in self._read(row):
            if self.threshold.metric in RUN_COUNTS:
                self._count += int(value)
            else:
                insort(self._values, value)

    def value(self) -> float | None:
        """The statistic; None with too few samples."""
        n, threshold = len(self._values), self.threshold
        if threshold.metric in RUN_COUNTS:
            return float(self._count)
        if threshold.statistic == "count":
            return float(n)
        if threshold.quantile is not None:
            q = threshold.quantile
            enough = n >= math.ceil(math.log(0.05) / math.log(q))
            return self._values[max(0, math.ceil(q * n - 1e-9) - 1)] if enough else None
        if threshold.statistic in ("min", "max"):
            return self._values[0 if threshold.statistic == "min" else -1] if n else None
        return math.fsum(self._values) / n if n >= MIN_SAMPLES else None

    def _admits(self, row: Row) -> bool:
        for each in self.threshold.filters:
            if each.name == "scenario":
                if row["scenario"] != each.value:
                    return False
            elif each.name not in RUN_FILTERS and not each.admits(row):
                return False
        return True


def values_of(metric: str) -> tuple[str, Callable[[Row], Iterator[float]]]:
    """The table of a metric, and its values in one row: none where the row does not count, infinite for what never came."""
    counts: dict[str, tuple[str, Callable[[Row], Iterator[float]]]] = {
        "turns": ("turns", lambda row: iter((1.0,))),
        "sessions": ("sessions", lambda row: iter((1.0,))),
        "void_turns": ("turns", lambda row: iter((float(row["void"]),))),
        "errors": ("sessions", _errors),
    }
    if metric in counts:
        return counts[metric]
    table = measured_on(metric)
    if metric in _RATES:
        return table, _RATES[metric].outcomes
    if table == "turns":
        return table, lambda row: _valid(row, turn_value(metric, row))
    if table == "incidents":
        return table, lambda row: _valid(row, outage_value(metric, row))
    return table, lambda row: _valid(row, row[metric])


def _valid(row: Row, value: float | None) -> Iterator[float]:
    if value is not None and not row.get("void", False):
        yield value


def _errors(row: Row) -> Iterator[float]:
    written = row["errors"]
    counted = json.loads(written) if isinstance(written, str) and written else written or {}
    yield float(sum(counted.values()))
