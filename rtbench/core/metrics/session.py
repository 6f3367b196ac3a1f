"""How the connection fared: session metrics (metrics.md, "Session and recovery")."""

from __future__ import annotations

from rtbench.core.metrics.metric import Metric, elapsed_ms
from rtbench.core.sessions import Session


def connect_ms(session: Session) -> float | None:
    """Asking for the session to the open connection.

    DNS, TCP, TLS and upgrade together; over WebRTC the ephemeral key, SDP exchange, ICE, DTLS and data channel.
    """
    return elapsed_ms(session.planned_ns, session.connected_ns)


def dns_ms(session: Session) -> float | None:
    """Part of `connect_ms`: looking up the service's address."""
    return session.dns_ms


def tcp_ms(session: Session) -> float | None:
    """Part of `connect_ms`: the handshake of TCP, which takes one round trip."""
    return session.tcp_ms


def tls_ms(session: Session) -> float | None:
    """Part of `connect_ms`: the handshake of TLS."""
    return session.tls_ms


def upgrade_ms(session: Session) -> float | None:
    """Part of `connect_ms`: the request for a WebSocket to its acceptance."""
    return session.upgrade_ms


def key_ms(session: Session) -> float | None:
    """Part of `connect_ms` over WebRTC: the request for an ephemeral key."""
    return session.key_ms


def sdp_ms(session: Session) -> float | None:
    """Part of `connect_ms` over WebRTC: making the offer, and its way to the service until the answer was read."""
    return session.sdp_ms


def ice_ms(session: Session) -> float | None:
    """Part of `connect_ms` over WebRTC: until a pair of addresses was agreed on."""
    return session.ice_ms


def dtls_ms(session: Session) -> float | None:
    """Part of `connect_ms` over WebRTC: the handshake of keys for the media."""
    return session.dtls_ms


def channel_ms(session: Session) -> float | None:
    """Part of `connect_ms` over WebRTC: until the data channel was open."""
    return session.channel_ms


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
    """Turns that a loss cut off, interruptions of them that were not made, and turns never held as no session came back."""
    return float(session.turns_lost)


def fell_back_to_text(session: Session) -> float | None:
    """1 where the conversation had to be carried on in writing, else 0; of sessions that lost a connection."""
    troubled = session.fell_back or session.redials > 0 or session.outcome == "dropped"
    return float(session.fell_back) if troubled else None


CONNECTION_METRICS: tuple[Metric[Session], ...] = (
    Metric(connect_ms),
    Metric(dns_ms),
    Metric(tcp_ms),
    Metric(tls_ms),
    Metric(upgrade_ms),
    Metric(key_ms),
    Metric(sdp_ms),
    Metric(ice_ms),
    Metric(dtls_ms),
    Metric(channel_ms),
    Metric(session_created_ms),
    Metric(session_updated_ms),
    Metric(uptime, unit="rate", better="more"),
    Metric(session_success, unit="rate", better="more"),
    Metric(errors_per_session, unit="count"),
    Metric(reconnect_attempts, unit="count"),
    Metric(lost_turns, unit="count"),
    Metric(fell_back_to_text, unit="rate"),
)
