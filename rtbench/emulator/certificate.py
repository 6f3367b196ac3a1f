"""A certificate of the emulator's own, for `https` and `wss` without an authority: clients are told to trust its file."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rtbench.clock import local_time

LIFE = timedelta(days=7)
_EARLIER = timedelta(hours=1)
"""A client's clock may be a little behind ours."""


class Certificate:
    """A self-made certificate on disk for as long as it is needed; a context manager that removes it."""

    def __init__(self, host: str) -> None:
        """For this name or address, and for those of loopback. The private key is never left on disk."""
        self._folder = tempfile.TemporaryDirectory(prefix="rtbench-emulator-")
        self.path = Path(self._folder.name) / "certificate.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        self.path.write_bytes(_signed(key, host).public_bytes(serialization.Encoding.PEM))
        self.context = self._load(key)

    def remove(self) -> None:
        """Take it off the disk."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()

    def _load(self, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
        """OpenSSL takes the key from a file only, which is gone again before anybody is served."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self.path.with_name("key.pem")
        path.touch(mode=0o600)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            path.write_bytes(pem)
            context.load_cert_chain(self.path, path)
        finally:
            path.unlink()
        return context


def _signed(key: ec.EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rtbench emulator")])
    names = dict.fromkeys(("localhost", "127.0.0.1", "::1", host))
    now = local_time()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
