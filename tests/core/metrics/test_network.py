from rtbench.core.metrics.network import NETWORK_METRICS
from rtbench.core.network import Network
from rtbench.core.sessions import Session


def values(session: Session) -> dict[str, float | None]:
    return {metric.name: metric.compute(session) for metric in NETWORK_METRICS}


def test_a_session_by_hand() -> None:
    network = Network(
        packets_expected=200,
        packets_received=194,
        packets_lost=6,
        packets_late=2,
        jitter_ms=3.5,
        round_trip_ms=42.0,
        concealed_ms=160.0,
        mos=4.1,
    )

    assert values(Session(first_rtp_ms=900.0, network=network)) == {
        "packet_loss": 0.03,
        "late_packet_share": 0.01,
        "jitter_ms": 3.5,
        "round_trip_ms": 42.0,
        "concealed_ms": 160.0,
        "mos_estimate": 4.1,
        "first_rtp_ms": 900.0,
    }


def test_a_session_over_a_websocket_has_none() -> None:
    assert set(values(Session()).values()) == {None}
