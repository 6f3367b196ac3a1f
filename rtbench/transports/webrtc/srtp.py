"""Encryption of media: SRTP and SRTCP (RFC 3711, 7714) with the keys of a DTLS handshake (RFC 5764, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

__all__ = ["PROFILES", "Profile", "SrtpError", "SrtpPair", "is_replay"]

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
    """Both directions of one peer; the methods that unprotect raise SrtpError for what is forged or replayed."""

    __slots__ = ("protect", "protect_rtcp", "unprotect", "unprotect_rtcp")

    def __init__(self, profile: Profile, material: bytes, is_client: bool) -> None:
        key, salt = profile.key_bytes, profile.salt_bytes
        salts = 2 * key
        client = material[:key] + material[salts : salts + salt]
        server = material[key:salts] + material[salts + salt : salts + 2 * salt]
        sender = _session(profile, client if is_client else server, Policy.SSRC_ANY_OUTBOUND)
        receiver = _session(profile, server if is_client else client, Policy.SSRC_ANY_INBOUND)
        self.protect = sender.protect
        self.protect_rtcp = sender.protect_rtcp
        self.unprotect = receiver.unprotect
        self.unprotect_rtcp = receiver.unprotect_rtcp


def is_replay(error: Exception) -> bool:
    """Whether the packet had come before: libsrtp takes each one once (RFC 3711, 3.3.2)."""
    return isinstance(error, SrtpError) and "bad index" in str(error)


def _session(profile: Profile, key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp)
    policy.window_size = _REPLAY_WINDOW
    return Session(policy)
