"""What is measured of a run for those who watch it by machine: names, units, labels, and a sentence for each.

Names are the glossary's where it has them, without unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rtbench.core.metrics import (
    INCIDENT_METRICS,
    SESSION_METRICS,
    STIMULUS_METRICS,
    TURN_METRICS,
    Metric,
    rates,
)
from rtbench.load.family import Labels, Unit
from rtbench.scenario.live_threshold import values_of

Row = Mapping[str, Any]
Read = Callable[[Row], Iterator[float]]
"""The values of a metric in one row."""

WAIT_BOUNDS_S = (
    *(0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0),
)
"""Close together from 0.1 to 1 s, where callers feel the difference; the first holds answers that cut in."""

LATENESS_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""The limits of the verdict, 5 and 20 ms, are among them."""


class Count(NamedTuple):
    """Something that is counted up while a run lasts."""

    told: str
    label_names: Labels = ()
    unit: Unit = ""


COUNTS: dict[str, Count] = {
    "turns": Count("Turns that are over, by how they ended.", ("outcome",)),
    "void_turns": Count("Turns whose numbers are the load generator's own fault."),
    "sessions_ended": Count("Sessions that are over, by how they ended.", ("outcome",)),
    "errors": Count("Errors that callers met, by class and by what was going on.", ("class", "phase")),
    "incidents": Count("Connections lost, refused or replaced, by how it ended.", ("incident", "outcome")),
    "lost_turns": Count("Turns that such a loss cut off, or that were never held."),
    "stimuli": Count("Interruptions and disturbances whose effect is known.", ("stimulus",)),
    "tokens": Count("Tokens that the service reported, each in one kind.", ("kind",)),
    "cached_tokens": Count(
        "Input tokens, counted among those as well, that the service had kept from before."
    ),
    "cost": Count("Price of these tokens, where the model has one.", unit="USD"),
    "call_time": Count("Time for which sessions were open, of all of them together.", unit="s"),
    "frames_sent": Count("Frames of audio that left."),
    "rows_received": Count("Rows of turns and sessions that came in."),
}

TOKENS = ("input_text", "input_audio", "output_text", "output_audio")
"""Kinds of tokens of a turn, without the cached ones: those are input tokens too."""

RATES: dict[str, str] = {rate.name: rate.met for rate in rates.RATES if rate.table != "events"}
"""Every rate that rows of one table tell, and when an outcome of it is met."""

RATES_TOLD = (
    "Cases to which a rate applies; the rate is the share of those that are met. "
    + "; ".join(f"{rate}: {met}" for rate, met in RATES.items())
    + "."
)


class EngineGauge(NamedTuple):
    """A column of the generator's rows, as it was in the last one of each worker."""

    told: str
    column: str
    unit: Unit = ""
    factor: float = 1.0
    """From the column's unit to this one."""


ENGINE_GAUGES: dict[str, EngineGauge] = {
    "engine_cpu": EngineGauge("Share of a core that an engine used in its last second.", "cpu_share", "1"),
    "loop_lag": EngineGauge("Longest hold-up of an engine in its last second.", "loop_lag_max_ms", "s", 1e-3),
    "gc_pause": EngineGauge("Longest garbage collection in its last second.", "gc_pause_max_ms", "s", 1e-3),
    "engine_resident_memory": EngineGauge("Memory of an engine.", "rss_bytes", "By"),
}

LABELS_OF_TABLE: dict[str, Labels] = {
    "turns": ("turn_kind", "tool"),
    "sessions": (),
    "stimuli": ("stimulus",),
    "incidents": ("incident",),
}
"""Labels of the durations that are measured on rows of a table."""


def _waits(metrics: Sequence[Metric[Any]]) -> dict[str, str]:
    waits = (metric for metric in metrics if metric.unit == "ms" and metric.better != "zero")
    return {metric.name: " ".join(metric.definition.split()) for metric in waits}


WAITS: dict[str, str] = {
    **_waits(TURN_METRICS),
    **_waits(SESSION_METRICS),
    **_waits(STIMULUS_METRICS),
    **_waits(INCIDENT_METRICS),
}
"""Every duration of the glossary in milliseconds, and its definition."""


def readers(names: Mapping[str, str]) -> dict[str, dict[str, Read]]:
    """How to read these metrics from a row, by the table that they are measured on."""
    found: dict[str, dict[str, Read]] = {table: {} for table in LABELS_OF_TABLE}
    for name in names:
        table, read = values_of(name)
        found[table][name] = read
    return found


def labels_of(table: str, row: Row) -> Labels:
    """The values of `LABELS_OF_TABLE` in a row."""
    if table == "turns":
        return (row["kind"], "true" if row["tool"] else "false")
    return (row["kind"],) if table in ("stimuli", "incidents") else ()
