"""The service's side of a WebRTC call: an offer in, an answer out, and a peer that comes to stand."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from rtbench.transports.webrtc.certificate import process_certificate
from rtbench.transports.webrtc.description import LocalDescription, SdpError, read, write
from rtbench.transports.webrtc.events import PathFactory
from rtbench.transports.webrtc.ice import ConsentPace, IceConnection, addresses_for
from rtbench.transports.webrtc.peer import MediaReceiverFactory, Peer


async def answer(
    offer_sdp: str,
    receiver_factory: MediaReceiverFactory,
    *,
    codecs: Sequence[str] = ("opus", "pcmu", "pcma"),
    host: str = "127.0.0.1",
    timeout_s: float = 30.0,
    consent: ConsentPace | None = None,
    path: PathFactory | None = None,
) -> tuple[Peer, str]:
    """A peer for this offer, and the SDP to send back; candidates are in it, nothing is trickled.

    Of the offered audio codecs those in `codecs` are taken, in the offer's order. `host` is the address
    that media is bound to; a wildcard (`0.0.0.0`) takes every address of the machine and loopback.
    The peer connects in the background; where it does not stand within `timeout_s`, it ends
    (`Peer.lost`), and no receiver is made. Raises SdpError where the offer cannot be read or has no
    audio that we know.
    """
    remote = read(offer_sdp)
    allowed = {number: codec for number, codec in remote.payload_types.items() if codec.name in codecs}
    if not allowed:
        raise SdpError(f"the SDP has none of the codecs {', '.join(codecs)}")
    remote = replace(remote, payload_types=allowed)
    ice = IceConnection(
        is_controlling=remote.is_ice_lite,  # the offerer is, unless it cannot (RFC 8445, 6.1.1)
        addresses=addresses_for(host),
        consent=consent or ConsentPace(),
        path=path,
    )
    try:
        await ice.gather_candidates()
        local = LocalDescription(
            username=ice.local_username,
            password=ice.local_password,
            candidates=ice.local_candidates,
            fingerprint=process_certificate().fingerprint,
            dtls_role="server" if remote.dtls_role == "client" else "client",
            payload_types=allowed,
            ssrc=secrets.randbits(32),
            cname=secrets.token_hex(8),
            sections=remote.sections,
        )
        peer = Peer(ice, local, remote, receiver_factory, opens_channel=False)
    except BaseException:
        await ice.close()
        raise
    peer.start(timeout_s)
    return peer, write(local)
