"""The certificate by which a process's peers know each other in DTLS (RFC 8827, 6.5): self-signed, its digest in the SDP."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from rtbench.clock import local_time

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}
"""What a fingerprint may be made with, by SDP's names (RFC 8122, 5)."""

_VALIDITY = timedelta(days=30)
"""Longer than any run; what browsers give their own."""


class Fingerprint(NamedTuple):
    """A certificate's digest, as `a=fingerprint` says it."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A key pair with its self-signed certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> Fingerprint:
        """By SHA-256, which every browser knows."""
        return Fingerprint("sha-256", digest(self.certificate, "sha-256"))


def digest(certificate: x509.Certificate, algorithm: str) -> str:
    """A certificate's digest in SDP's form, such as `1F:A0:...`. Raises KeyError for an unknown algorithm."""
    return certificate.fingerprint(_DIGESTS[algorithm]).hex(":").upper()


def matches(certificate: x509.Certificate, fingerprints: tuple[Fingerprint, ...]) -> bool:
    """Whether this is the announced certificate: all fingerprints that we can compute agree, and there is one."""
    known = [(name.lower(), value.upper()) for name, value in fingerprints if name.lower() in _DIGESTS]
    return bool(known) and all(digest(certificate, name) == value for name, value in known)


@cache
def process_certificate() -> Certificate:
    """One for all peers of this process, made when first needed; the key never leaves memory."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
    now = local_time()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the other side's clock may be behind
        .not_valid_after(now + _VALIDITY)
        .sign(key, hashes.SHA256())
    )
    return Certificate(key, certificate)
