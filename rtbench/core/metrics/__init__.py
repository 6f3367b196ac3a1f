"""Every metric by family; a new one is a function in its family's file and one entry in its tuple."""

from rtbench.core.metrics.delivery import DELIVERY_METRICS
from rtbench.core.metrics.metric import METRIC_VERSION, Metric
from rtbench.core.metrics.response import RESPONSE_METRICS
from rtbench.core.metrics.session import SESSION_METRICS
from rtbench.core.metrics.turn_taking import STIMULUS_METRICS, TURN_TAKING_METRICS

TURN_METRICS = RESPONSE_METRICS + DELIVERY_METRICS + TURN_TAKING_METRICS

__all__ = [
    "DELIVERY_METRICS",
    "METRIC_VERSION",
    "RESPONSE_METRICS",
    "SESSION_METRICS",
    "STIMULUS_METRICS",
    "TURN_METRICS",
    "Metric",
]
