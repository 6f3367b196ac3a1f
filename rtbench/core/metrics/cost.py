"""What a session cost, by published prices (metrics.md, "Cost").

None where the price of its model is not known.
"""

from __future__ import annotations

from rtbench.core.metrics.metric import Metric, elapsed_ms
from rtbench.core.sessions import Session

MS_PER_MINUTE = 60_000


def cost_usd(session: Session) -> float | None:
    """Price of the tokens that the service reported with the session's answers, by kind, at the model's published prices."""
    return session.cost_usd


def cost_usd_per_minute(session: Session) -> float | None:
    """`cost_usd` over the session's minutes, from the open connection to its end."""
    length_ms = elapsed_ms(session.connected_ns, session.ended_ns)
    if session.cost_usd is None or length_ms is None or length_ms <= 0:
        return None
    return session.cost_usd / length_ms * MS_PER_MINUTE


COST_METRICS: tuple[Metric[Session], ...] = (
    Metric(cost_usd, unit="USD"),
    Metric(cost_usd_per_minute, unit="USD"),
)
