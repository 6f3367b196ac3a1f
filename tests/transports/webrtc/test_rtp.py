"""RTP headers, against aiortc's own as an independent oracle, and bytes written by hand."""

import pytest
from aiortc.rtp import HeaderExtensionsMap
from aiortc.rtp import RtpPacket as StockPacket

from rtbench.transports.webrtc.rtp import RtpPacket, build, is_rtcp, parse


@pytest.mark.parametrize("marker", [False, True])
@pytest.mark.parametrize("sequence", [0, 1, 0xFFFF])
def test_what_we_build_aiortc_reads(sequence, marker) -> None:
    stock = StockPacket.parse(build(111, sequence, 0xFFFF_FFF0, 0x1234_5678, b"sound", marker))

    assert (stock.payload_type, stock.sequence_number, stock.timestamp) == (111, sequence, 0xFFFF_FFF0)
    assert (stock.ssrc, stock.payload, stock.marker) == (0x1234_5678, b"sound", int(marker))


@pytest.mark.parametrize("padding", [0, 1, 200])
@pytest.mark.parametrize("csrc", [[], [7, 8, 9]])
def test_what_aiortc_builds_we_read(csrc, padding) -> None:
    stock = StockPacket(
        payload_type=0, marker=1, sequence_number=65_535, timestamp=160, ssrc=42, payload=b"x" * 160
    )
    stock.csrc, stock.padding_size = csrc, padding

    assert parse(stock.serialize()) == RtpPacket(65_535, 160, True, 0, 42, b"x" * 160)


def test_header_extensions_are_skipped() -> None:
    extensions = HeaderExtensionsMap()
    extensions._HeaderExtensionsMap__ids.mid = 1
    stock = StockPacket(payload_type=111, sequence_number=1, timestamp=2, ssrc=3, payload=b"opus")
    stock.extensions.mid = "0"
    data = stock.serialize(extensions)

    assert data[0] & 0x10  # it has one
    assert parse(data).payload == b"opus"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x00\x00",
        b"\x40" + bytes(11),  # version 1
        b"\x8f" + bytes(11),  # fifteen sources, none there
        b"\x90" + bytes(11) + b"\xbe\xde\xff\xff",  # an extension longer than the packet
        b"\xa0" + bytes(11) + b"\x05",  # padding longer than the payload
        b"\xa0" + bytes(11) + b"\x00",  # padding of no length
    ],
)
def test_what_is_no_packet_is_refused(data) -> None:
    with pytest.raises(ValueError, match="RTP"):
        parse(data)


@pytest.mark.parametrize(
    ("second", "control"),
    [(111, False), (111 | 0x80, False), (0x80, False), (200, True), (201, True), (207, True)],
)
def test_control_is_told_from_media_by_its_type(second, control) -> None:
    assert is_rtcp(bytes((0x80, second)) + bytes(10)) is control
