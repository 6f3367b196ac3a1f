"""What the network did to the media: metrics of one session over WebRTC (metrics.md, "Delivery").

None where the session had no media of its own, as over a WebSocket.
"""

from __future__ import annotations

from rtbench.core.metrics.metric import Metric
from rtbench.core.sessions import Session


def packet_loss(session: Session) -> float | None:
    """Packets of the agent's voice that never came, over those expected by their numbers (RFC 3550, A.3)."""
    network = session.network
    return network.packets_lost / network.packets_expected if network.packets_expected else None


def late_packet_share(session: Session) -> float | None:
    """Packets that came after the player had needed them, over those expected."""
    network = session.network
    return network.packets_late / network.packets_expected if network.packets_expected else None


def jitter_ms(session: Session) -> float | None:
    """Interarrival jitter of the agent's voice (RFC 3550, A.8, on the caller's monotonic clock), its mean over all packets."""
    return session.network.jitter_ms


def round_trip_ms(session: Session) -> float | None:
    """Median round trip of the session's measurements, by RTCP (RFC 3550, 6.4.1) and by ICE consent checks (RFC 7675)."""
    return session.network.round_trip_ms


def concealed_ms(session: Session) -> float | None:
    """Of the session's answers, what the player had to make up because it was lost or late."""
    return session.network.concealed_ms


def mos_estimate(session: Session) -> float | None:
    """Mean opinion score of the line, 1 to 4.5, by the E-model of ITU-T G.107 from loss, burstiness, codec and delay.

    93.2 - Idd - Ie_eff, without echo; its inputs are the columns `one_way_delay_ms`, `mos_loss_percent`,
    `burst_ratio`, `mos_ie` and `mos_bpl`. G.711 has the values of G.113 Appendix I. For Opus the ITU has none:
    Ie = 0 and Bpl = 10 are taken. It says nothing about the agent's voice itself.
    """
    return session.network.mos


def first_rtp_ms(session: Session) -> float | None:
    """Open data channel to the first packet of the agent's voice.

    An agent that sends nothing until it answers is first heard after the caller's own first utterance: its
    length is in it then. Below 0 where packets came before the channel was open.
    """
    return session.first_rtp_ms


NETWORK_METRICS: tuple[Metric[Session], ...] = (
    Metric(packet_loss, unit="ratio"),
    Metric(late_packet_share, unit="ratio"),
    Metric(jitter_ms),
    Metric(round_trip_ms),
    Metric(concealed_ms),
    Metric(mos_estimate, unit="score", better="more"),
    Metric(first_rtp_ms),
)
