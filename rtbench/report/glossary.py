"""The glossary of a report: every metric's definition, as its own function states it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rtbench.core.metrics import (
    CONTEXT_METRICS,
    DELIVERY_METRICS,
    INCIDENT_METRICS,
    RATES,
    RESPONSE_METRICS,
    SESSION_METRICS,
    STIMULUS_METRICS,
)
from rtbench.core.metrics.metric import Metric
from rtbench.core.metrics.turn_taking import TURN_TAKING_METRICS


@dataclass(frozen=True, slots=True)
class Definition:
    """A name and what it means."""

    name: str
    text: str


def glossary() -> dict[str, list[Definition]]:
    """Definitions by family, in the order of the metrics' own registry."""
    return {
        "Response": _definitions(RESPONSE_METRICS),
        "Turn-taking": [*_definitions(STIMULUS_METRICS), *_definitions(TURN_TAKING_METRICS)],
        "Delivery": _definitions(DELIVERY_METRICS),
        "Session": [*_definitions(SESSION_METRICS), *_definitions(CONTEXT_METRICS)],
        "Recovery": _definitions(INCIDENT_METRICS),
        "Rates": [Definition(rate.name, rate.definition) for rate in RATES],
    }


def _definitions(metrics: Iterable[Metric[Any]]) -> list[Definition]:
    return [Definition(metric.name, metric.definition) for metric in metrics]
