"""Every metric by family; a new one is a function in its family's file and one entry in its tuple."""

from rtbench.core.metrics.cost import COST_METRICS
from rtbench.core.metrics.delivery import DELIVERY_METRICS
from rtbench.core.metrics.metric import METRIC_VERSION, Better, Metric
from rtbench.core.metrics.network import NETWORK_METRICS
from rtbench.core.metrics.rates import RATES, RateMetric
from rtbench.core.metrics.recovery import CONTEXT_METRICS, INCIDENT_METRICS
from rtbench.core.metrics.response import RESPONSE_METRICS
from rtbench.core.metrics.session import CONNECTION_METRICS
from rtbench.core.metrics.turn_taking import STIMULUS_METRICS, TURN_TAKING_METRICS

SESSION_METRICS = CONNECTION_METRICS + NETWORK_METRICS + COST_METRICS
TURN_METRICS = RESPONSE_METRICS + DELIVERY_METRICS + TURN_TAKING_METRICS + CONTEXT_METRICS

BETTER: dict[str, Better] = {
    **{metric.name: metric.better for metric in TURN_METRICS},
    **{metric.name: metric.better for metric in SESSION_METRICS},
    **{metric.name: metric.better for metric in STIMULUS_METRICS},
    **{metric.name: metric.better for metric in INCIDENT_METRICS},
    **{rate.name: rate.better for rate in RATES},
}
"""Which way every metric and rate is to go."""

__all__ = [
    "BETTER",
    "CONNECTION_METRICS",
    "CONTEXT_METRICS",
    "COST_METRICS",
    "DELIVERY_METRICS",
    "INCIDENT_METRICS",
    "METRIC_VERSION",
    "NETWORK_METRICS",
    "RATES",
    "RESPONSE_METRICS",
    "SESSION_METRICS",
    "STIMULUS_METRICS",
    "TURN_METRICS",
    "Better",
    "Metric",
    "RateMetric",
]
