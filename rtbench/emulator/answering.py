"""Answers offers of WebRTC calls. Codecs and peers are loaded with this module, and with no other of the server's."""

from __future__ import annotations

from collections.abc import Callable

from rtbench.core.client_events import Json
from rtbench.emulator.access import HttpError
from rtbench.emulator.fault_desk import FaultDesk
from rtbench.emulator.host import Host
from rtbench.emulator.lines import Lines
from rtbench.emulator.webrtc_call import WebRtcCall
from rtbench.transports.webrtc import ConsentPace, Peer, SdpError, answer

CONNECT_TIMEOUT_S = 30.0
"""A caller who has been answered and never comes is given up."""

CONSENT_CHECKS = 6
"""Questions without an answer after which a peer has vanished (RFC 7675, 5.1: one every 5 s, for 30 s)."""


class Answering:
    """Makes calls out of offers."""

    def __init__(self, host: Host, desk: FaultDesk, media_host: str, consent_s: float) -> None:
        """`media_host` is the address that audio is received at; who is not heard of for `consent_s` has vanished."""
        self.lines = Lines(host.service)
        self._host = host
        self._desk = desk
        self._media_host = media_host
        check_s = consent_s / CONSENT_CHECKS
        self._consent = ConsentPace(interval_s=check_s, expiry_s=consent_s, silence_s=check_s)

    async def answer_call(
        self, call_id: str, offer: str, configuration: Json, on_gone: Callable[[WebRtcCall], None]
    ) -> tuple[WebRtcCall, str]:
        """A call that waits for its caller, and the SDP to tell them. Raises HttpError 400 for the offer."""
        call: WebRtcCall

        def stand(peer: Peer) -> WebRtcCall:
            return call.start(peer)

        try:
            # Nobody can connect before they have the answer, and by then there is a call.
            peer, sdp = await answer(
                offer, stand, host=self._media_host, timeout_s=CONNECT_TIMEOUT_S, consent=self._consent
            )
        except SdpError as error:
            raise HttpError(400, f"Invalid SDP offer: {error}.", "invalid_offer") from None
        try:
            line = await self.lines.line(peer.codec)
            call = WebRtcCall(call_id, self._host, self._desk, peer, line, configuration, on_gone)
        except BaseException:
            peer.abort()
            raise
        return call, sdp
