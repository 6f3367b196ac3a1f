"""The glossary of a report: every metric's definition, as its own function states it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rtbench.analysis.outcomes import FLOW, FLOW_DEFINITION, SESSION_RATES, STIMULUS_RATES, TURN_RATES
from rtbench.core.metrics import (
    CONTEXT_METRICS,
    DELIVERY_METRICS,
    INCIDENT_METRICS,
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
    rates = {**TURN_RATES, **SESSION_RATES, **STIMULUS_RATES}
    return {
        "Response": _definitions(RESPONSE_METRICS),
        "Turn-taking": [*_definitions(STIMULUS_METRICS), *_definitions(TURN_TAKING_METRICS)],
        "Delivery": _definitions(DELIVERY_METRICS),
        "Session": [*_definitions(SESSION_METRICS), *_definitions(CONTEXT_METRICS)],
        "Recovery": _definitions(INCIDENT_METRICS),
        "Rates": [
            *(Definition(name, text) for name, (text, _) in rates.items()),
            Definition(FLOW, FLOW_DEFINITION),
            Definition(
                "void_rate", "Turns whose numbers are not the service's, as a frame was late, over all turns."
            ),
        ],
    }


def _definitions(metrics: Iterable[Metric[Any]]) -> list[Definition]:
    return [Definition(metric.name, metric.definition) for metric in metrics]
