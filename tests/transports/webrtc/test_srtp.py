"""Keys and profiles, against aiortc's derivation of them."""

import os

import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES as STOCK
from pylibsrtp import ERRORS, Policy, Session
from pylibsrtp._binding import ffi, lib

from rtbench.transports.webrtc.srtp import PROFILES, SrtpError, SrtpPair, is_replay

RTP = bytes((0x80, 111, 0, 1)) + bytes(8) + b"sound" * 20
RTCP = bytes((0x80, 201, 0, 1)) + bytes(4)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name.decode())
@pytest.mark.parametrize("is_client", [True, False])
def test_aiortc_reads_what_we_protect(profile, is_client) -> None:
    material = os.urandom(profile.material_bytes)
    stock = next(one for one in STOCK if one.openssl_profile == profile.name)
    key = stock.get_key_and_salt(material, 0 if is_client else 1)
    reader = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=stock.libsrtp_profile))
    ours = SrtpPair(profile, material, is_client)

    protected, control = ours.protect(RTP), ours.protect_rtcp(RTCP)

    assert RTP[12:] not in protected
    assert reader.unprotect(protected) == RTP
    assert reader.unprotect_rtcp(control) == RTCP


def test_every_profile_that_aiortc_knows_is_known_here() -> None:
    assert {profile.name for profile in PROFILES} == {profile.openssl_profile for profile in STOCK}


def test_a_second_copy_is_told_from_a_forgery() -> None:
    profile = PROFILES[0]
    material = os.urandom(profile.material_bytes)
    near, far = SrtpPair(profile, material, True), SrtpPair(profile, material, False)
    protected = near.protect(RTP)
    far.unprotect(protected)

    with pytest.raises(SrtpError) as again:
        far.unprotect(protected)
    later = near.protect(RTP[:3] + b"\x02" + RTP[4:])
    with pytest.raises(SrtpError) as forged:
        far.unprotect(later[:-1] + bytes((later[-1] ^ 1,)))

    assert is_replay(again.value)
    assert not is_replay(forged.value)
    assert not is_replay(ValueError("bad index"))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name.decode())
def test_a_packet_of_any_size_that_fits_an_ethernet_frame_passes_and_longer_ones_are_refused(profile) -> None:
    material = os.urandom(profile.material_bytes)
    near, far = SrtpPair(profile, material, True), SrtpPair(profile, material, False)
    for number, size in enumerate((0, 1, 1_400, 2_036)):
        packet = bytes((0x80, 111, 0, number)) + bytes(8) + os.urandom(size)
        protected = near.protect(packet)
        assert len(protected) > len(packet)
        if len(protected) <= 2_048:
            assert far.unprotect(protected) == packet
    with pytest.raises(SrtpError, match="too long"):
        near.protect(RTP + bytes(2_048))
    with pytest.raises(SrtpError, match="too long"):
        far.unprotect_rtcp(RTCP + bytes(2_048))


def test_pylibsrtp_still_has_what_is_leant_on() -> None:
    assert ERRORS[9].endswith("(bad index)")
    session = Session(Policy(key=bytes(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    buffer, length = ffi.new("char[]", 2_048), ffi.new("int *", len(RTP))
    ffi.buffer(buffer)[0 : len(RTP)] = RTP
    assert lib.srtp_protect(session._srtp[0], buffer, length) == lib.srtp_err_status_ok == 0
    assert length[0] == len(RTP) + 10
