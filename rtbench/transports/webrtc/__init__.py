"""WebRTC with a media plane of our own: RTP packets as bytes, no encoder, decoder or jitter buffer per session."""

from rtbench.transports.webrtc.answerer import answer
from rtbench.transports.webrtc.client import WebRtcTimings, connect, hang_up
from rtbench.transports.webrtc.codec import CODECS, AudioCodec, PacketDecoder, decoder
from rtbench.transports.webrtc.description import SdpError
from rtbench.transports.webrtc.dtls import prepare
from rtbench.transports.webrtc.events import (
    ConnectionState,
    Datagram,
    DatagramPath,
    Forward,
    MediaReceiver,
    PathFactory,
    PeerStatistics,
    RemoteReport,
    RequestPath,
    RoundTrip,
    StateChange,
)
from rtbench.transports.webrtc.ice import ConsentPace
from rtbench.transports.webrtc.peer import MediaReceiverFactory, Peer
from rtbench.transports.webrtc.rtp import RtpPacket
from rtbench.transports.webrtc.signalling import Credentials, SdpMode

__all__ = [
    "CODECS",
    "AudioCodec",
    "ConnectionState",
    "ConsentPace",
    "Credentials",
    "Datagram",
    "DatagramPath",
    "Forward",
    "MediaReceiver",
    "MediaReceiverFactory",
    "PacketDecoder",
    "PathFactory",
    "Peer",
    "PeerStatistics",
    "RemoteReport",
    "RequestPath",
    "RoundTrip",
    "RtpPacket",
    "SdpError",
    "SdpMode",
    "StateChange",
    "WebRtcTimings",
    "answer",
    "connect",
    "decoder",
    "hang_up",
    "prepare",
]
