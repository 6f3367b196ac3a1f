"""Encryption of media: SRTP and SRTCP (RFC 3711, 7714) with the keys of a DTLS handshake (RFC 5764, 4.2).

Packets go to libsrtp straight, in one buffer per peer: pylibsrtp's own methods take half as much time again.
Leant on in pylibsrtp for that: its binding's `ffi` and `lib`, its `ERRORS`, and that a session keeps its
context in `_srtp`. Tests hold it fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pylibsrtp import ERRORS, Policy, Session
from pylibsrtp import Error as SrtpError
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]  # compiled, without stubs

__all__ = ["PROFILES", "Profile", "SrtpError", "SrtpPair", "is_replay"]

_MAX_PACKET_BYTES = 2048
_MAX_TRAILER_BYTES = 4 + 16 + 128
"""What protection adds at most: an index, a tag, and a key's name."""

_REPLAY_WINDOW = 1024
"""Packets that may come late and still be taken: 20 s of audio. A small window would hide reordering from us."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile by its name in OpenSSL, and the sizes that its keys have."""

    name: bytes
    libsrtp: int
    key_bytes: int
    salt_bytes: int

    @property
    def material_bytes(self) -> int:
        """Of the keys and salts of both sides."""
        return 2 * (self.key_bytes + self.salt_bytes)


PROFILES = (
    Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    Profile(b"SRTP_AEAD_AES_256_GCM", Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)
"""In the order in which they are offered: the cheapest first; the last is the one that everybody must know."""


class SrtpPair:
    """Both directions of one peer.

    Its methods raise SrtpError: those that unprotect for what is forged or replayed, all for what is too long.
    """

    __slots__ = ("_bytes", "_length", "_packet", "_receiver", "_receiving", "_sender", "_sending")

    def __init__(self, profile: Profile, material: bytes, is_client: bool) -> None:
        key, salt = profile.key_bytes, profile.salt_bytes
        salts = 2 * key
        client = material[:key] + material[salts : salts + salt]
        server = material[key:salts] + material[salts + salt : salts + 2 * salt]
        self._sender = _session(profile, client if is_client else server, Policy.SSRC_ANY_OUTBOUND)
        self._receiver = _session(profile, server if is_client else client, Policy.SSRC_ANY_INBOUND)
        # Contexts of libsrtp, which the sessions keep alive.
        self._sending = self._sender._srtp[0]
        self._receiving = self._receiver._srtp[0]
        self._packet = ffi.new("char[]", _MAX_PACKET_BYTES + _MAX_TRAILER_BYTES)
        self._bytes = ffi.buffer(self._packet)
        self._length = ffi.new("int *")

    def protect(self, packet: bytes) -> bytes:
        """Encrypt an RTP packet."""
        return self._process(lib.srtp_protect, self._sending, packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt a compound RTCP packet."""
        return self._process(lib.srtp_protect_rtcp, self._sending, packet)

    def unprotect(self, packet: bytes) -> bytes:
        """The RTP packet in an encrypted one."""
        return self._process(lib.srtp_unprotect, self._receiving, packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """The RTCP packets in an encrypted one."""
        return self._process(lib.srtp_unprotect_rtcp, self._receiving, packet)

    def _process(self, function: Any, context: Any, packet: bytes) -> bytes:
        """Have libsrtp work on a packet in place."""
        size = len(packet)
        if size > _MAX_PACKET_BYTES:
            raise SrtpError("packet is too long")
        self._bytes[0:size] = packet
        self._length[0] = size
        status = function(context, self._packet, self._length)
        if status:
            raise SrtpError(ERRORS[status])
        data: bytes = self._bytes[0 : self._length[0]]
        return data


def is_replay(error: Exception) -> bool:
    """Whether the packet had come before: libsrtp takes each one once (RFC 3711, 3.3.2)."""
    return isinstance(error, SrtpError) and "bad index" in str(error)


def _session(profile: Profile, key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp)
    policy.window_size = _REPLAY_WINDOW
    return Session(policy)
