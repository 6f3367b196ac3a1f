"""RTCP reports, against aiortc's as an independent oracle."""

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket

from rtbench.transports.webrtc.rtcp import Report, ReportBlock, SenderInfo, build, middle, ntp, parse

BLOCK = ReportBlock(
    ssrc=7, fraction_lost=64, packets_lost=-3, highest_sequence=70_000, jitter=120, last_report=5, delay=6
)
SENDER = SenderInfo(ntp=0x1122_3344_5566_7788, timestamp=9_600, packets=10, payload_bytes=800)


def test_what_we_build_aiortc_reads() -> None:
    report, description = RtcpPacket.parse(build(Report(42, SENDER, (BLOCK,)), "caller"))

    assert isinstance(report, RtcpSrPacket)
    assert report.ssrc == 42
    assert report.sender_info.ntp_timestamp == SENDER.ntp
    assert report.sender_info.rtp_timestamp == 9_600
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (10, 800)
    (block,) = report.reports
    assert (block.ssrc, block.fraction_lost, block.packets_lost) == (7, 64, -3)
    assert (block.highest_sequence, block.jitter, block.lsr, block.dlsr) == (70_000, 120, 5, 6)
    assert description.chunks[0].items == [(1, b"caller")]


@pytest.mark.parametrize("cname", ["", "a", "ab", "abc", "abcd", "0123456789abcdef"])
def test_a_name_of_any_length_fills_whole_words(cname) -> None:
    data = build(Report(42, None, ()), cname)

    assert len(data) % 4 == 0
    report, description = RtcpPacket.parse(data)
    assert isinstance(report, RtcpRrPacket)
    assert description.chunks[0].items == [(1, cname.encode())]


def test_what_aiortc_builds_we_read() -> None:
    block = RtcpReceiverInfo(*BLOCK)
    sender = RtcpSenderInfo(*SENDER)
    data = bytes(RtcpSrPacket(ssrc=42, sender_info=sender, reports=[block])) + bytes(
        RtcpRrPacket(ssrc=43, reports=[block, block])
    )

    assert parse(data) == [Report(42, SENDER, (BLOCK,)), Report(43, None, (BLOCK, BLOCK))]


def test_other_packets_are_skipped() -> None:
    assert parse(bytes(RtcpByePacket(sources=[42])) + build(Report(1, None, ()), "x")) == [
        Report(1, None, ())
    ]


@pytest.mark.parametrize(
    "data", [b"\x81\xc9\x00\x01" + bytes(4), b"\x80\xc9\x00\x09" + bytes(4), b"\x00\xc9\x00\x00"]
)
def test_wrong_lengths_are_refused(data) -> None:
    with pytest.raises(ValueError, match="RTCP"):
        parse(data)


@pytest.mark.parametrize("lost", [-(1 << 23), (1 << 23) - 1, 1 << 30, -(1 << 30)])
def test_loss_beyond_24_bits_is_cut(lost) -> None:
    (report,) = parse(build(Report(1, None, (BLOCK._replace(packets_lost=lost),)), ""))

    assert report.blocks[0].packets_lost == max(-(1 << 23), min(lost, (1 << 23) - 1))


def test_wall_time_as_ntp() -> None:
    # RFC 868: 1 January 1970 is 2,208,988,800 s after 1900; half a second is half of 2^32.
    assert ntp(1_500_000_000) == (2_208_988_801 << 32) + (1 << 31)
    assert middle(0x1122_3344_5566_7788) == 0x3344_5566
