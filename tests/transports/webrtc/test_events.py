"""The interface: what a peer is held to by those who use it."""

from typing import get_args

from rtbench.transports.webrtc import MediaReceiver, Peer
from rtbench.transports.webrtc.events import ConnectionState, PeerStatistics


def test_states_are_those_of_the_browsers() -> None:
    # W3C, WebRTC: Real-Time Communication in Browsers, 4.3.3.
    assert get_args(ConnectionState) == ("new", "connecting", "connected", "disconnected", "failed", "closed")


def test_a_media_receiver_hears_all_that_a_receiver_hears(recorder) -> None:
    heard = {name for name in vars(MediaReceiver) | vars(MediaReceiver.__mro__[1]) if name.startswith("on_")}

    assert heard == {"on_message", "on_close", "on_packet", "on_state"}
    assert all(callable(getattr(recorder, name)) for name in heard)


def test_a_peer_is_a_connection() -> None:
    for name in ("send", "close", "abort", "pending_bytes", "bytes_sent", "bytes_received"):
        assert hasattr(Peer, name)


def test_statistics_are_a_snapshot() -> None:
    before = PeerStatistics(1, 2, 3, 4, 5, 6.0, 7, 8, (), ())

    assert before == PeerStatistics(1, 2, 3, 4, 5, 6.0, 7, 8, (), ())
    assert not hasattr(before, "__dict__")
