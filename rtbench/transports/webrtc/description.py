"""Offers and answers in SDP (RFC 8866, 9429): what a peer needs to know of the other, and what it says of itself.

One audio section and one data channel, bundled on one transport, all candidates inside.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from aioice import Candidate
from aiortc.rtcicetransport import candidate_to_aioice
from aiortc.sdp import MediaDescription, SessionDescription

from rtbench.core.codec import CODECS, OPUS, AudioCodec
from rtbench.transports.webrtc.certificate import Fingerprint
from rtbench.transports.webrtc.channel import MAX_MESSAGE_BYTES, SCTP_PORT

DtlsRole: TypeAlias = Literal["auto", "client", "server"]
"""What `a=setup` says: actpass, active, passive (RFC 8842, 5)."""

_SETUP: dict[DtlsRole, str] = {"auto": "actpass", "client": "active", "server": "passive"}
_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_DISCARD_PORT = 9
"""Stands where no port is known yet (RFC 8839, 4.3.1)."""


class SdpError(ValueError):
    """A description that cannot be used; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Section:
    """One `m=` section, as far as an answer must repeat it."""

    kind: str
    profile: str
    formats: str
    mid: str
    role: Literal["audio", "channel", "refused"]
    """What it is to us; everything but the first audio and the first data channel is refused."""

    direction: str = "sendrecv"


OFFERED_SECTIONS = (
    Section("audio", "UDP/TLS/RTP/SAVPF", "", "0", "audio"),
    Section("application", "UDP/DTLS/SCTP", "webrtc-datachannel", "1", "channel"),
)


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """What we say of ourselves."""

    username: str
    password: str
    candidates: Sequence[Candidate]
    fingerprint: Fingerprint
    dtls_role: DtlsRole
    payload_types: Mapping[int, AudioCodec]
    ssrc: int
    cname: str
    sections: Sequence[Section] = OFFERED_SECTIONS


@dataclass(frozen=True, slots=True)
class RemoteDescription:
    """What the other side said."""

    username: str
    password: str
    is_ice_lite: bool
    candidates: tuple[Candidate, ...]
    fingerprints: tuple[Fingerprint, ...]
    dtls_role: DtlsRole
    payload_types: dict[int, AudioCodec]
    """The codecs that we know, in its order of preference."""

    has_channel: bool
    sctp_port: int
    max_message_bytes: int
    sections: tuple[Section, ...] = field(default=())


def read(sdp: str) -> RemoteDescription:
    """Raises SdpError for what cannot be read, has no audio that we know, or would need a second transport."""
    try:
        session = SessionDescription.parse(sdp)
    except (AssertionError, ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        raise SdpError("the SDP cannot be read") from error
    audio = next((media for media in session.media if media.kind == "audio" and media.port), None)
    if audio is None:
        raise SdpError("the SDP has no audio section")
    channel = next((media for media in session.media if media.kind == "application" and media.port), None)
    transport = _transport_of(session, audio, channel)
    ice = transport.ice
    if ice is None or ice.usernameFragment is None or ice.password is None:
        raise SdpError("the SDP has no ice-ufrag and ice-pwd")
    if transport.dtls is None or not transport.dtls.fingerprints:
        raise SdpError("the SDP has no setup attribute or no fingerprint")
    payload_types = _known_codecs(audio)
    if not payload_types:
        raise SdpError(f"the SDP has none of the codecs {', '.join(CODECS)}")
    candidates = [candidate for media in session.media for candidate in media.ice_candidates]
    return RemoteDescription(
        username=ice.usernameFragment,
        password=ice.password,
        is_ice_lite=ice.iceLite,
        candidates=tuple(map(candidate_to_aioice, candidates)),
        fingerprints=tuple(Fingerprint(one.algorithm, one.value) for one in transport.dtls.fingerprints),
        dtls_role=_dtls_role(transport.dtls.role),
        payload_types=payload_types,
        has_channel=channel is not None,
        sctp_port=(channel.sctp_port if channel is not None else None) or SCTP_PORT,
        max_message_bytes=_max_message_bytes(channel),
        sections=tuple(_section(media, audio, channel) for media in session.media),
    )


def write(description: LocalDescription) -> str:
    """The SDP text."""
    sections = description.sections
    bundled = " ".join(section.mid for section in sections if section.role != "refused")
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {bundled}",
        "a=msid-semantic: WMS *",
    ]
    for section in sections:
        lines += _section_lines(section, description)
    return "\r\n".join(lines) + "\r\n"


def _section_lines(section: Section, description: LocalDescription) -> list[str]:
    if section.role == "refused":
        return [
            f"m={section.kind} 0 {section.profile} {section.formats}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{section.mid}",
            "a=inactive",
        ]
    formats = section.formats
    if section.role == "audio":
        formats = " ".join(map(str, description.payload_types))
    default = description.candidates[0] if description.candidates else None
    host, port = (default.host, default.port) if default else ("0.0.0.0", _DISCARD_PORT)
    return [
        f"m={section.kind} {port} {section.profile} {formats}",
        f"c=IN IP{6 if ':' in host else 4} {host}",
        f"a=mid:{section.mid}",
        *(_audio_lines(section, description) if section.role == "audio" else _channel_lines()),
        *(f"a=candidate:{candidate.to_sdp()}" for candidate in description.candidates),
        "a=end-of-candidates",
        f"a=ice-ufrag:{description.username}",
        f"a=ice-pwd:{description.password}",
        f"a=fingerprint:{description.fingerprint.algorithm} {description.fingerprint.value}",
        f"a=setup:{_SETUP[description.dtls_role]}",
    ]


def _audio_lines(section: Section, description: LocalDescription) -> list[str]:
    lines = [
        f"a={section.direction}",
        "a=rtcp-mux",
        "a=msid:rtbench audio",
        f"a=ssrc:{description.ssrc} cname:{description.cname}",
    ]
    for number, codec in description.payload_types.items():
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        lines.append(f"a=rtpmap:{number} {codec.encoding}/{codec.clock_rate_hz}{channels}")
        if codec is OPUS:
            lines.append(f"a=fmtp:{number} minptime=10;useinbandfec=1")
    return lines


def _channel_lines() -> list[str]:
    return [f"a=sctp-port:{SCTP_PORT}", f"a=max-message-size:{MAX_MESSAGE_BYTES}"]


def _transport_of(
    session: SessionDescription, audio: MediaDescription, channel: MediaDescription | None
) -> MediaDescription:
    """The section whose transport carries all: the first one of the bundle that we take (RFC 9143, 7.3)."""
    if channel is None:
        return audio
    bundles = [group.items for group in session.group if group.semantic == "BUNDLE"]
    bundle = next((items for items in bundles if audio.rtp.muxId in items), [])
    if channel.rtp.muxId not in bundle:
        raise SdpError("the SDP does not bundle audio and data channel")
    return min((audio, channel), key=lambda media: bundle.index(media.rtp.muxId))


def _known_codecs(audio: MediaDescription) -> dict[int, AudioCodec]:
    named = {one.payloadType: (one.mimeType.split("/")[1].lower(), one.clockRate) for one in audio.rtp.codecs}
    for codec in CODECS.values():
        if codec.payload_type < 96:  # fixed numbers may come without an rtpmap (RFC 3551, 6)
            named.setdefault(codec.payload_type, (codec.name, codec.clock_rate_hz))
    known = {(codec.encoding.lower(), codec.clock_rate_hz): codec for codec in CODECS.values()}
    return {number: known[named[number]] for number in audio.fmt if named.get(number) in known}


def _dtls_role(role: str | None) -> DtlsRole:
    return role if role in ("client", "server") else "auto"  # type: ignore[return-value]


def _max_message_bytes(channel: MediaDescription | None) -> int:
    """64 KiB where nothing is said (RFC 8841, 6.1); zero means any size."""
    capabilities = channel.sctpCapabilities if channel is not None else None
    return capabilities.maxMessageSize if capabilities is not None else 1 << 16


def _section(media: MediaDescription, audio: MediaDescription, channel: MediaDescription | None) -> Section:
    formats = " ".join(map(str, media.fmt))
    role: Literal["audio", "channel", "refused"] = "refused"
    if media is audio:
        role = "audio"
    elif media is channel:
        role = "channel"
    direction = _MIRRORED.get(media.direction or "", "sendrecv")
    return Section(media.kind, media.profile, formats, media.rtp.muxId, role, direction)
