"""How an outage went: recovery metrics of one incident (metrics.md, "Session and recovery").

All begin at the drop: the instant at which our own side broke the connection where it did, else the
one at which the loss was noticed. A rotation, which is no outage, has its `restore_ms` only.
"""

from __future__ import annotations

from rtbench.core.incidents import Incident
from rtbench.core.metrics.metric import Metric, elapsed_ms
from rtbench.core.turns import Turn


def outage_detect_ms(incident: Incident) -> float | None:
    """Drop to its being noticed by the caller's application; where the drop was ours to know of, and nobody was told."""
    return elapsed_ms(incident.dropped_ns, incident.noticed_ns) if incident.injected else None


def reconnect_ms(incident: Incident) -> float | None:
    """Drop to the `session.created` of the session that replaced the lost one."""
    return None if incident.is_planned else elapsed_ms(incident.dropped_ns, incident.created_ns)


def restore_ms(incident: Incident) -> float | None:
    """Drop, or the leaving of an old session, until configuration and history were acknowledged by the new one."""
    return elapsed_ms(incident.dropped_ns, incident.restored_ns)


def recovery_ms(incident: Incident) -> float | None:
    """Drop to the first audible sample of the next answer; in a session of text, to its first text.

    The caller's own utterance that is answered comes in between: its length is in it.
    """
    return None if incident.is_planned else elapsed_ms(incident.dropped_ns, incident.audible_ns)


def backoff_error_ms(incident: Incident) -> float | None:
    """Worst lateness of a try to connect against the instant that the policy gave it."""
    late = [elapsed_ms(one.due_ns, one.begun_ns) for one in incident.attempts]
    return max((one for one in late if one is not None), default=None)


def incident_attempts(incident: Incident) -> float | None:
    """Attempts to connect in this outage; where a call's very first one was refused, that one too."""
    return None if incident.is_planned else float(len(incident.attempts))


def recovered(incident: Incident) -> float | None:
    """1 where a session stood again, in writing too; 0 where none did; outages that the run's end cut off do not count."""
    if incident.is_planned or incident.outcome == "ended":
        return None
    return float(incident.outcome in ("recovered", "fell_back"))


def context_retained(turn: Turn) -> float | None:
    """1 where a fact told before was in the answer to a question for it on a later connection, 0 where it was not."""
    if turn.fact_answered is None or turn.connection == 0:
        return None
    return float(turn.fact_answered)


CONTEXT_METRICS: tuple[Metric[Turn], ...] = (Metric(context_retained, unit="rate", better="more"),)

INCIDENT_METRICS: tuple[Metric[Incident], ...] = (
    Metric(outage_detect_ms),
    Metric(reconnect_ms),
    Metric(restore_ms),
    Metric(recovery_ms),
    Metric(backoff_error_ms),
    Metric(incident_attempts, unit="count"),
    Metric(recovered, unit="rate", better="more"),
)
