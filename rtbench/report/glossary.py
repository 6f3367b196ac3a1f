"""The glossary of a report: every metric's definition, as its own function states it."""

from __future__ import annotations

from dataclasses import dataclass

from rtbench.analysis.samples import SESSION_RATES, TURN_RATES
from rtbench.core.metrics import DELIVERY_METRICS, RESPONSE_METRICS, SESSION_METRICS


@dataclass(frozen=True, slots=True)
class Definition:
    """A name and what it means."""

    name: str
    text: str


def glossary() -> dict[str, list[Definition]]:
    """Definitions by family, in the order of the metrics' own registry."""
    return {
        "Response": [Definition(metric.name, metric.definition) for metric in RESPONSE_METRICS],
        "Delivery": [Definition(metric.name, metric.definition) for metric in DELIVERY_METRICS],
        "Session": [Definition(metric.name, metric.definition) for metric in SESSION_METRICS],
        "Rates": [Definition(name, text) for name, (text, _) in {**TURN_RATES, **SESSION_RATES}.items()],
    }
