"""Two media planes face to face, in virtual time."""

import os
from collections import deque

import pytest

from rtbench.core.codec import G711_MU, OPUS
from rtbench.transports.webrtc.events import RoundTrip
from rtbench.transports.webrtc.media import MediaPlane
from rtbench.transports.webrtc.srtp import PROFILES, SrtpPair

MS = 1_000_000
SECOND = 1_000 * MS


class Side:
    """One end; what it sends is kept in `out` until it is delivered."""

    def __init__(self, material: bytes, is_client: bool, ssrc: int, codec=OPUS, offset_ns: int = 0) -> None:
        self.out: deque[bytes] = deque()
        self.packets: list = []
        self.srtp = SrtpPair(PROFILES[0], material, is_client)
        self.plane = MediaPlane(
            self.srtp,
            codec,
            {111: OPUS, 0: G711_MU},
            ssrc=ssrc,
            cname="somebody",
            unix_offset_ns=offset_ns,
            send=self.out.append,
        )


@pytest.fixture
def sides():
    material = os.urandom(PROFILES[0].material_bytes)
    # The clocks of the two differ by an hour: no report may depend on them agreeing.
    return Side(material, True, 1), Side(material, False, 2, offset_ns=3_600 * SECOND)


def deliver(source: Side, sink: Side, now_ns: int) -> list:
    got = []
    while source.out:
        packet = sink.plane.receive(source.out.popleft(), now_ns)
        if packet is not None:
            got.append(packet)
    return got


def test_a_packet_arrives_as_it_was_sent(sides) -> None:
    near, far = sides
    near.plane.send_packet(b"sound", (1 << 32) + 960, True, 0)

    (packet,) = deliver(near, far, 0)

    assert (packet.payload, packet.timestamp, packet.marker) == (b"sound", 960, True)
    assert (packet.payload_type, packet.ssrc) == (111, 1)


def test_sequence_numbers_go_up_by_one_and_wrap(sides) -> None:
    near, far = sides
    sequences = []
    for number in range(66_000):
        near.plane.send_packet(b"", number * 960, False, number)
        if number % 1000 == 0 or number > 65_000:
            sequences.append((number, near.out[-1][2] << 8 | near.out[-1][3]))
        if len(near.out) > 50:
            deliver(near, far, number)
    deliver(near, far, 66_000)

    first = sequences[0][1]
    assert all(sequence == (first + number) % 65_536 for number, sequence in sequences)
    statistics = far.plane.statistics()
    assert (statistics.packets_received, statistics.packets_lost, statistics.packets_rejected) == (
        66_000,
        0,
        0,
    )


def test_both_ends_count_packets_and_payload(sides) -> None:
    near, far = sides
    for number in range(3):
        near.plane.send_packet(b"x" * 10, number * 960, False, 0)
    deliver(near, far, 0)

    sent, received = near.plane.statistics(), far.plane.statistics()
    assert (sent.packets_sent, sent.bytes_sent, sent.packets_received) == (3, 30, 0)
    assert (received.packets_received, received.bytes_received, received.packets_sent) == (3, 30, 0)


def test_duplicates_forgeries_and_strangers_are_told_apart(sides) -> None:
    near, far = sides
    near.plane.send_packet(b"sound", 0, False, 0)
    datagram = near.out.pop()
    far.plane.receive(datagram, 0)

    assert far.plane.receive(datagram, 1) is None
    near.plane.send_packet(b"sound", 960, False, 0)
    assert far.plane.receive(near.out.pop()[:-1] + b"\0", 2) is None
    stranger = bytes((0x80, 96)) + bytes((0, 9)) + bytes(8) + b"other codec"
    assert far.plane.receive(near.srtp.protect(stranger), 3) is None
    assert far.plane.receive(b"\x80", 4) is None

    statistics = far.plane.statistics()
    assert statistics.packets_duplicated == 1
    assert statistics.packets_rejected == 3
    assert statistics.packets_received == 1


def test_a_receiver_that_only_hears_reports_what_was_lost_and_when(sides) -> None:
    near, far = sides
    for number in range(8):
        near.plane.send_packet(b"x", number * 960, False, number * 20 * MS)
        if number in (2, 5):
            near.out.pop()
        deliver(near, far, number * 20 * MS)
    far.plane.send_report(1 * SECOND)
    deliver(far, near, 1 * SECOND + 30 * MS)

    statistics = near.plane.statistics()
    (report,) = statistics.remote_reports
    assert report.at_ns == SECOND + 30 * MS
    assert report.packets_lost == 2
    assert report.fraction_lost == 64 / 256  # 2 of 8
    assert report.jitter_ms == 0.0
    assert statistics.round_trips == ()  # no report of ours was seen yet
    assert far.plane.statistics().packets_lost == 2


def test_a_round_trip_takes_out_the_other_sides_delay(sides) -> None:
    near, far = sides
    near.plane.send_packet(b"x", 0, False, 0)
    near.plane.send_report(1 * SECOND)
    deliver(near, far, SECOND + 35 * MS)  # 35 ms there,
    far.plane.send_report(SECOND + 435 * MS)  # 400 ms of thought,
    deliver(far, near, SECOND + 450 * MS)  # and 15 ms back

    (trip,) = near.plane.statistics().round_trips
    assert trip.source == "rtcp"
    assert trip.at_ns == SECOND + 450 * MS
    assert trip.ms == pytest.approx(50.0, abs=0.05)


def test_round_trips_measured_elsewhere_are_kept(sides) -> None:
    near, _ = sides
    near.plane.add_round_trip(RoundTrip(5, 12.5, "ice"))

    assert near.plane.statistics().round_trips == (RoundTrip(5, 12.5, "ice"),)


@pytest.mark.parametrize("codec", [OPUS, G711_MU], ids=lambda codec: codec.name)
def test_jitter_is_reported_in_the_streams_own_clock(codec) -> None:
    material = os.urandom(PROFILES[0].material_bytes)
    near, far = Side(material, True, 1, codec), Side(material, False, 2, codec)
    for number, arrival_ms in enumerate((0, 20, 56, 60)):  # one packet is 16 ms late
        near.plane.send_packet(b"x", number * codec.packet_ticks, False, number * 20 * MS)
        deliver(near, far, arrival_ms * MS)
    far.plane.send_report(SECOND)
    deliver(far, near, SECOND)

    (report,) = near.plane.statistics().remote_reports
    # 16 / 16, then + (16 - 1) / 16; rounded to whole ticks on the way.
    assert report.jitter_ms == pytest.approx(1.0 + 15 / 16, abs=0.5 * 1000 / codec.clock_rate_hz)
    assert far.plane.statistics().jitter_ms == pytest.approx(1.9375)


def test_a_sender_report_says_where_the_stream_stands(sides) -> None:
    from aiortc.rtp import RtcpPacket

    near, far = sides
    near.plane.send_packet(b"x" * 80, 9_600, False, SECOND)
    near.out.clear()
    near.plane.send_report(SECOND + 100 * MS)

    report = RtcpPacket.parse(far.srtp.unprotect_rtcp(near.out.pop()))[0]
    assert report.sender_info.rtp_timestamp == 9_600 + 4_800  # 100 ms later
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (1, 80)


def test_a_packet_that_is_lost_on_purpose_is_missed_at_the_other_end(sides) -> None:
    near, far = sides
    for number in range(4):
        if number == 2:
            near.plane.skip_packet()
        else:
            near.plane.send_packet(b"sound", 960 * number, False, 0)

    first, second, last = deliver(near, far, 0)
    assert (second.sequence - first.sequence, last.sequence - second.sequence) == (1, 2)
    assert far.plane.statistics().packets_lost == 1
    assert near.plane.statistics().packets_sent == 3
