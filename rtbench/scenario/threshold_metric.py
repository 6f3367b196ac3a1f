"""What a threshold may name: every metric with its unit, and what it is measured on."""

from __future__ import annotations

from typing import Literal

from rtbench.core.metrics import INCIDENT_METRICS, RATES, SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS

Measured = Literal["turns", "sessions", "stimuli", "incidents", "events", "generator", "run"]
"""What the values of a metric are of.

turns, sessions, stimuli, incidents: rows of these tables; events: turns and stimuli together; generator: frames and
seconds of the load generator; run: the whole run, of which there is one value.
"""

GENERATOR_UNITS: dict[str, str] = {
    "send_lateness_ms": "ms",
    "loop_lag_ms": "ms",
    "gc_pause_ms": "ms",
    "cpu_share": "share",
}
"""Of the load generator itself: lateness of every frame; of each second the longest hold-up of the event loop, the
longest garbage collection, and the share of a core that an engine used."""

RUN_COUNTS: tuple[str, ...] = ("turns", "sessions", "errors", "void_turns", "rows_lost")
"""Totals of the run; their statistic is `count`."""

METRIC_UNITS: dict[str, str] = {
    **{metric.name: metric.unit for metric in TURN_METRICS},
    **{metric.name: metric.unit for metric in SESSION_METRICS},
    **{metric.name: metric.unit for metric in STIMULUS_METRICS},
    **{metric.name: metric.unit for metric in INCIDENT_METRICS},
    **{rate.name: "rate" for rate in RATES},
    **GENERATOR_UNITS,
    **dict.fromkeys(RUN_COUNTS, "count"),
}

_ROWS: dict[str, Measured] = {
    **{metric.name: "turns" for metric in TURN_METRICS},
    **{metric.name: "sessions" for metric in SESSION_METRICS},
    **{metric.name: "stimuli" for metric in STIMULUS_METRICS},
    **{metric.name: "incidents" for metric in INCIDENT_METRICS},
    **{rate.name: rate.table for rate in RATES},
}

KNOWN_METRICS: tuple[str, ...] = tuple(METRIC_UNITS)


def measured_on(metric: str) -> Measured:
    """What a metric's values are of. Raises KeyError for one that is not known."""
    if metric in _ROWS:
        return _ROWS[metric]
    if metric in GENERATOR_UNITS:
        return "generator"
    if metric in RUN_COUNTS:
        return "run"
    raise KeyError(metric)
