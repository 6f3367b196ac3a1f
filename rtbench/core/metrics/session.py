"""How the connection fared: session metrics (metrics.md, "Session and recovery")."""

from __future__ import annotations

from rtbench.core.metrics.metric import Metric, elapsed_ms
from rtbench.core.sessions import Session


def connect_ms(session: Session) -> float | None:
    """Asking for the session to the open connection.

    DNS, TCP, TLS and upgrade together; over WebRTC the ephemeral key, SDP exchange, ICE, DTLS and data channel.
    """
    return elapsed_ms(session.planned_ns, session.connected_ns)


def session_created_ms(session: Session) -> float | None:
    """Open connection to `session.created`."""
    return elapsed_ms(session.connected_ns, session.created_ns)


def session_updated_ms(session: Session) -> float | None:
    """Configuration sent to `session.updated`."""
    return elapsed_ms(session.update_sent_ns, session.updated_ns)


def uptime(session: Session) -> float | None:
    """Time connected over time wanted, from the request for the session to its end; outages are not connected."""
    wanted_ns = session.ended_ns - session.planned_ns
    if wanted_ns <= 0:
        return None
    if session.connected_ns is None:
        return 0.0
    return (session.ended_ns - session.connected_ns - session.down_ns) / wanted_ns


def session_success(session: Session) -> float | None:
    """1 where the session was held to its end or drained by the run's own end, else 0."""
    return float(session.outcome in ("completed", "drained"))


def errors_per_session(session: Session) -> float | None:
    """Errors of all classes in this session."""
    return float(session.errors.total())


def reconnect_attempts(session: Session) -> float | None:
    """Tries to connect again, after losses and refusals."""
    return float(session.redials)


def lost_turns(session: Session) -> float | None:
    """Turns that a loss cut off, and turns that were never held as no session came back."""
    return float(session.turns_lost)


def fell_back_to_text(session: Session) -> float | None:
    """1 where the conversation had to be carried on in writing, else 0; of sessions that lost a connection."""
    troubled = session.fell_back or session.redials > 0 or session.outcome == "dropped"
    return float(session.fell_back) if troubled else None


CONNECTION_METRICS: tuple[Metric[Session], ...] = (
    Metric(connect_ms),
    Metric(session_created_ms),
    Metric(session_updated_ms),
    Metric(uptime, unit="rate"),
    Metric(session_success, unit="rate"),
    Metric(errors_per_session, unit="count"),
    Metric(reconnect_attempts, unit="count"),
    Metric(lost_turns, unit="count"),
    Metric(fell_back_to_text, unit="rate"),
)
