"""SDP: what we write is read by aiortc, what aiortc and a browser write is read by us."""

import asyncio

import pytest
from aioice import Candidate
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection
from aiortc.sdp import SessionDescription

from rtbench.core.codec import CODECS, G711_A, G711_MU, OPUS
from rtbench.transports.webrtc.certificate import Fingerprint
from rtbench.transports.webrtc.description import LocalDescription, SdpError, read, write

FINGERPRINT = Fingerprint("sha-256", ":".join(["AB"] * 32))
CANDIDATE = Candidate("f1", 1, "udp", 2_130_706_431, "127.0.0.1", 40_000, "host")

BROWSER_OFFER = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS stream
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 0e7b6f5c-2a3b-4f13-8a2e-4f8f6e1d2c3b.local 54321 typ host generation 0 network-cost 999
a=candidate:2 1 tcp 1518280447 0e7b6f5c-2a3b-4f13-8a2e-4f8f6e1d2c3b.local 9 typ host tcptype active
a=ice-ufrag:Fr4g
a=ice-pwd:passwordpasswordpasswrd
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT.value}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:stream track
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1001 cname:abc
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=ice-ufrag:Fr4g
a=ice-pwd:passwordpasswordpasswrd
a=fingerprint:sha-256 {FINGERPRINT.value}
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:Fr4g
a=ice-pwd:passwordpasswordpasswrd
a=fingerprint:sha-256 {FINGERPRINT.value}
a=setup:actpass
a=mid:2
a=sctp-port:5000
a=max-message-size:262144
""".replace("\n", "\r\n")


def local(**changes) -> LocalDescription:
    return LocalDescription(
        **{
            "username": "user",
            "password": "p" * 22,
            "candidates": [CANDIDATE],
            "fingerprint": FINGERPRINT,
            "dtls_role": "auto",
            "payload_types": {111: OPUS},
            "ssrc": 77,
            "cname": "name",
            **changes,
        }
    )


def without(prefix: str, sdp: str = BROWSER_OFFER) -> str:
    return "\r\n".join(line for line in sdp.split("\r\n") if not line.startswith(prefix))


def test_aiortc_reads_our_offer() -> None:
    session = SessionDescription.parse(write(local()))
    audio, channel = session.media

    assert [(media.kind, media.rtp.muxId) for media in session.media] == [
        ("audio", "0"),
        ("application", "1"),
    ]
    assert [group.items for group in session.group] == [["0", "1"]]
    assert (audio.direction, audio.rtcp_mux, audio.port) == ("sendrecv", True, 40_000)
    (codec,) = audio.rtp.codecs
    assert (codec.mimeType, codec.clockRate, codec.channels, codec.payloadType) == (
        "audio/opus",
        48_000,
        2,
        111,
    )
    assert codec.parameters == {"minptime": 10, "useinbandfec": 1}
    assert channel.sctp_port == 5000
    for media in session.media:
        assert (media.ice.usernameFragment, media.ice.password) == ("user", "p" * 22)
        assert (media.dtls.role, media.dtls.fingerprints[0].value) == ("auto", FINGERPRINT.value)
        assert [(one.ip, one.port, one.type) for one in media.ice_candidates] == [
            ("127.0.0.1", 40_000, "host")
        ]
        assert media.ice_candidates_complete


@pytest.mark.parametrize("role", ["auto", "client", "server"])
@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_what_we_write_we_read(codec, role) -> None:
    remote = read(write(local(dtls_role=role, payload_types={codec.payload_type: codec})))

    assert remote.payload_types == {codec.payload_type: codec}
    assert remote.dtls_role == role
    assert (remote.username, remote.password, remote.fingerprints) == ("user", "p" * 22, (FINGERPRINT,))
    assert [(one.host, one.port) for one in remote.candidates] == [("127.0.0.1", 40_000)] * 2
    assert (remote.has_channel, remote.sctp_port, remote.max_message_bytes) == (True, 5000, 262_144)
    assert not remote.is_ice_lite


def test_a_browsers_offer() -> None:
    remote = read(BROWSER_OFFER)

    assert list(remote.payload_types.items()) == [(111, OPUS), (0, G711_MU), (8, G711_A)]
    assert (remote.username, remote.password) == ("Fr4g", "passwordpasswordpasswrd")
    assert remote.dtls_role == "auto"
    assert len(remote.candidates) == 2
    assert [section.role for section in remote.sections] == ["audio", "refused", "channel"]


def test_an_answer_repeats_every_section_and_refuses_the_foreign_one() -> None:
    remote = read(BROWSER_OFFER)
    answer = SessionDescription.parse(
        write(local(dtls_role="client", payload_types=remote.payload_types, sections=remote.sections))
    )

    assert [(media.kind, media.rtp.muxId) for media in answer.media] == [
        ("audio", "0"),
        ("video", "1"),
        ("application", "2"),
    ]
    assert [group.items for group in answer.group] == [["0", "2"]]
    assert answer.media[1].port == 0
    assert [codec.payloadType for codec in answer.media[0].rtp.codecs] == [111, 0, 8]
    assert answer.media[0].dtls.role == "client"
    assert answer.webrtc_track_id(answer.media[0]) == "audio"


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_the_direction_is_mirrored(offered, answered) -> None:
    remote = read(BROWSER_OFFER.replace("a=sendrecv", f"a={offered}"))
    text = write(local(sections=remote.sections))

    assert SessionDescription.parse(text).media[0].direction == answered


def test_an_offer_of_stock_aiortc() -> None:
    async def offer() -> str:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.createDataChannel("oai-events")  # first: its section carries the transport
        connection.addTrack(AudioStreamTrack())
        try:
            return (await connection.createOffer()).sdp
        finally:
            await connection.close()

    remote = read(asyncio.run(offer()))

    assert OPUS in remote.payload_types.values()
    assert remote.has_channel
    assert len(remote.fingerprints) >= 1


def test_fixed_payload_types_need_no_rtpmap() -> None:
    remote = read(without("a=rtpmap:0 ", without("a=rtpmap:8 ")))

    assert remote.payload_types == {111: OPUS, 0: G711_MU, 8: G711_A}


def test_an_offer_without_a_channel_is_taken() -> None:
    remote = read(BROWSER_OFFER[: BROWSER_OFFER.index("m=application")])

    assert not remote.has_channel


def test_the_message_size_is_64_kib_where_nothing_is_said() -> None:
    assert read(without("a=max-message-size")).max_message_bytes == 65_536


@pytest.mark.parametrize(
    ("sdp", "why"),
    [
        ("", "no audio section"),
        ("hello", "no audio section"),
        ("v=0\r\nm=audio", "cannot be read"),
        (BROWSER_OFFER.replace("m=audio 9", "m=audio 0"), "no audio section"),
        (without("a=ice-ufrag"), "no ice-ufrag"),
        (without("a=setup"), "no setup attribute"),
        (without("a=fingerprint"), "no setup attribute or no fingerprint"),
        (without("a=group"), "does not bundle"),
        (BROWSER_OFFER.replace("a=setup:actpass", "a=setup:holdconn"), "cannot be read"),
        (BROWSER_OFFER.replace(" 111 63 9 0 8 13 110 126", " 63 9"), "cannot be read|none of the codecs"),
        (BROWSER_OFFER.replace("a=candidate:1 1 udp", "a=candidate:x y"), "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(sdp, why) -> None:
    with pytest.raises(SdpError, match=why):
        read(sdp)


def test_a_section_without_formats_we_know_is_told() -> None:
    with pytest.raises(SdpError, match="none of the codecs opus, pcmu, pcma"):
        read(BROWSER_OFFER.replace("opus/48000/2", "opus/16000/2").replace(" 9 0 8 13", " 9 13"))
