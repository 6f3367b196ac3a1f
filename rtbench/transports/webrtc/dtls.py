"""DTLS 1.2 (RFC 6347) over somebody else's datagrams, by OpenSSL: no socket, no timer, no clock of its own.

new --start()--> connecting --handshake, fingerprint, SRTP profile--> connected --close_notify--> closed
                    `------------------- anything wrong -----------------> failed (`failure` says what)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Literal, TypeAlias

from OpenSSL import SSL

from rtbench.transports.webrtc.certificate import Certificate, Fingerprint, matches, process_certificate
from rtbench.transports.webrtc.srtp import PROFILES, SrtpPair

DtlsState: TypeAlias = Literal["new", "connecting", "connected", "closed", "failed"]

_DTLS_1_2 = 0xFEFD
"""The version that every WebRTC stack speaks; its records have plain headers, so that a flight can be cut again."""

_MTU_BYTES = 1200
"""Fits every path with IPv6 and tunnels (RFC 8831, 5)."""

_RECORD_HEADER_BYTES = 13
_RECORD_MAX_BYTES = 1 << 14
_CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"
"""The first is the one that WebRTC demands (RFC 8827, 6.5); the last for peers with an RSA certificate."""

_KEY_LABEL = b"EXTRACTOR-dtls_srtp"


class Dtls:
    """One end of a DTLS connection. Feed datagrams in; what is to leave goes to `send`."""

    def __init__(
        self,
        certificate: Certificate,
        fingerprints: tuple[Fingerprint, ...],
        *,
        is_client: bool,
        send: Callable[[bytes], None],
    ) -> None:
        self.state: DtlsState = "new"
        self.failure = ""
        self.is_client = is_client
        self.srtp: SrtpPair | None = None
        """The media keys, once connected."""

        self._fingerprints = fingerprints
        self._send = send
        self._ssl = SSL.Connection(_context(certificate))
        self._ssl.set_options(SSL.OP_NO_QUERY_MTU)
        self._ssl.set_ciphertext_mtu(_MTU_BYTES)
        if is_client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()

    def start(self) -> None:
        """Send the first flight, or wait for it."""
        self.state = "connecting"
        self._shake_hands()

    def receive(self, datagram: bytes) -> list[bytes]:
        """The messages in a datagram; the state may have changed after it."""
        if self.state not in ("connecting", "connected"):
            return []
        self._ssl.bio_write(datagram)
        if self.state == "connecting":
            self._shake_hands()
        messages: list[bytes] = []
        while self.state == "connected":
            try:
                messages.append(self._ssl.recv(_RECORD_MAX_BYTES))
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self.state = "closed"
            except SSL.Error as error:
                self._fail(_words(error))
        self._flush()
        return messages

    def send(self, message: bytes) -> None:
        """Encrypt and send; does nothing where the handshake is not done."""
        if self.state == "connected":
            self._ssl.send(message)
            self._flush()

    def timeout_s(self) -> float | None:
        """When the last flight must be sent again, from now; None where nothing is due."""
        return self._ssl.DTLSv1_get_timeout() if self.state == "connecting" else None

    def handle_timeout(self) -> None:
        """Send the last flight again."""
        if self.state == "connecting":
            try:
                self._ssl.DTLSv1_handle_timeout()
            except SSL.Error as error:
                self._fail(_words(error))
            self._flush()

    def close(self) -> None:
        """Say close_notify; nothing is received any more."""
        if self.state == "connected":
            with suppress(SSL.Error):  # we leave either way
                self._ssl.shutdown()
            self._flush()
        self.state = "closed"

    def fall_silent(self) -> None:
        """End without a word."""
        self.state = "closed"

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return
        except SSL.Error as error:
            self._fail(_words(error))
            self._flush()
            return
        self._flush()
        self._check_peer()

    def _check_peer(self) -> None:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None or not matches(certificate, self._fingerprints):
            self._fail("the peer's certificate is not the one announced in its SDP")
            return
        chosen = self._ssl.get_selected_srtp_profile()
        profile = next((profile for profile in PROFILES if profile.name == chosen), None)
        if profile is None:
            self._fail("the peer knows none of our SRTP profiles")
            return
        material = self._ssl.export_keying_material(_KEY_LABEL, profile.material_bytes)
        self.srtp = SrtpPair(profile, material, self.is_client)
        self.state = "connected"

    def _fail(self, why: str) -> None:
        self.state, self.failure = "failed", why

    def _flush(self) -> None:
        """What OpenSSL wants to send comes as a string of records: pack whole ones into datagrams."""
        try:
            data = self._ssl.bio_read(1 << 16)
        except SSL.WantReadError:
            return
        start = end = 0
        while end < len(data):
            size = _RECORD_HEADER_BYTES + int.from_bytes(data[end + 11 : end + 13], "big")
            if end > start and end + size - start > _MTU_BYTES:
                self._send(data[start:end])
                start = end
            end += size
        self._send(data[start:])


def prepare() -> None:
    """Make what all connections of the process share: 20 ms and more that the first call should not pay, nor the others wait for."""
    _context(process_certificate())


@cache
def _context(certificate: Certificate) -> SSL.Context:
    """One for all connections of a process."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_max_proto_version(_DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET)
    # The certificate is self-signed; what counts is its fingerprint, checked after the handshake.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.key)
    context.set_cipher_list(_CIPHERS)
    context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
    return context


def _words(error: SSL.Error) -> str:
    """OpenSSL's own reason, such as `ssl/tls alert handshake failure`."""
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(reason[-1]) for reason in reasons) or "the DTLS handshake failed"
