"""The process's certificate: its digest against the standard library's."""

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from rtbench.transports.webrtc.certificate import Fingerprint, digest, matches, process_certificate


def test_there_is_one_certificate_per_process() -> None:
    assert process_certificate() is process_certificate()


def test_the_fingerprint_is_the_digest_of_its_der_form() -> None:
    own = process_certificate()
    der = own.certificate.public_bytes(Encoding.DER)
    wanted = hashlib.sha256(der).hexdigest().upper()

    assert own.fingerprint.algorithm == "sha-256"
    assert own.fingerprint.value.replace(":", "") == wanted
    assert own.fingerprint.value.count(":") == 31


def test_it_is_signed_by_itself_and_valid_around_now() -> None:
    certificate = process_certificate().certificate
    certificate.verify_directly_issued_by(certificate)

    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days >= 30


@pytest.mark.parametrize("algorithm", ["sha-256", "SHA-384", "sha-512"])
def test_a_certificate_is_known_by_any_good_digest_in_any_case(algorithm) -> None:
    certificate = process_certificate().certificate
    value = digest(certificate, algorithm.lower()).lower()

    assert matches(certificate, (Fingerprint(algorithm, value),))


def test_all_digests_that_we_know_must_agree_and_there_must_be_one() -> None:
    own = process_certificate()
    wrong = Fingerprint("sha-512", "00:11")

    assert matches(own.certificate, (own.fingerprint, Fingerprint("md2", "00")))
    assert not matches(own.certificate, (own.fingerprint, wrong))
    assert not matches(own.certificate, (Fingerprint("md2", "00"),))
    assert not matches(own.certificate, ())
