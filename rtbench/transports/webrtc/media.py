"""Audio packets of one peer, both ways: RTP headers, encryption, and the reports that both sides exchange.

Knows neither sockets nor timers; `now_ns` and arrival stamps come from above.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from rtbench.clock import NS_PER_MS, NS_PER_S
from rtbench.core.codec import AudioCodec
from rtbench.transports.webrtc import rtcp, rtp
from rtbench.transports.webrtc.events import PeerStatistics, RemoteReport, RoundTrip
from rtbench.transports.webrtc.reception import Reception
from rtbench.transports.webrtc.rtcp import Report, ReportBlock, SenderInfo
from rtbench.transports.webrtc.rtp import RtpPacket
from rtbench.transports.webrtc.srtp import SrtpError, SrtpPair, is_replay

_DLSR_UNITS = 1 << 16
"""A second, in the units of a report's delays."""


class MediaPlane:
    """One outgoing stream and what comes in, over one pair of SRTP keys."""

    def __init__(
        self,
        srtp: SrtpPair,
        codec: AudioCodec,
        payload_types: Mapping[int, AudioCodec],
        *,
        ssrc: int,
        cname: str,
        unix_offset_ns: int,
        send: Callable[[bytes], None],
    ) -> None:
        self._srtp = srtp
        self._codec = codec
        self._payload_types = payload_types
        self._payload_type = next(number for number, one in payload_types.items() if one is codec)
        self._ssrc = ssrc
        self._cname = cname
        self._unix_offset_ns = unix_offset_ns
        self._send = send
        # In the lower half, so that the first packets cannot be taken for a wrapped number (RFC 3711, 3.3.1).
        self._sequence = random.randrange(1 << 15)
        self._last_timestamp = 0
        self._last_sent_ns = 0
        self._packets_sent = 0
        self._bytes_sent = 0
        self._bytes_received = 0
        self._packets_duplicated = 0
        self._packets_rejected = 0
        self._receptions: dict[int, Reception] = {}
        self._last_reports: dict[int, tuple[int, int]] = {}
        """Of each source: the middle of its last report's NTP time, and when that report came."""

        self._remote_reports: list[RemoteReport] = []
        self._round_trips: list[RoundTrip] = []

    def send_packet(self, payload: bytes, timestamp: int, marker: bool, now_ns: int) -> None:
        """Encrypt and send one packet."""
        sequence = self._sequence
        self._sequence = sequence + 1 & 0xFFFF
        timestamp &= 0xFFFF_FFFF
        packet = rtp.build(self._payload_type, sequence, timestamp, self._ssrc, payload, marker)
        self._send(self._srtp.protect(packet))
        self._packets_sent += 1
        self._bytes_sent += len(payload)
        self._last_timestamp = timestamp
        self._last_sent_ns = now_ns

    def skip_packet(self) -> None:
        """Use up a number, as if its packet had been lost."""
        self._sequence = self._sequence + 1 & 0xFFFF

    def receive(self, datagram: bytes, arrival_ns: int) -> RtpPacket | None:
        """A media datagram came: its packet, or None for control and for what must not be believed."""
        try:
            if rtp.is_rtcp(datagram):
                for report in rtcp.parse(self._srtp.unprotect_rtcp(datagram)):
                    self._take_report(report, arrival_ns)
                return None
            packet = rtp.parse(self._srtp.unprotect(datagram))
        except (SrtpError, ValueError) as error:
            if is_replay(error):
                self._packets_duplicated += 1
            else:
                self._packets_rejected += 1
            return None
        codec = self._payload_types.get(packet.payload_type)
        if codec is None:
            self._packets_rejected += 1
            return None
        reception = self._receptions.get(packet.ssrc)
        if reception is None:
            reception = self._receptions[packet.ssrc] = Reception(codec.clock_rate_hz)
        reception.receive(packet.sequence, packet.timestamp, arrival_ns)
        self._bytes_received += len(packet.payload)
        return packet

    def send_report(self, now_ns: int) -> None:
        """Report what came, and what was sent if anything was."""
        blocks = tuple(
            self._block(ssrc, reception, now_ns) for ssrc, reception in list(self._receptions.items())[-31:]
        )
        report = Report(self._ssrc, self._sender_info(now_ns), blocks)
        self._send(self._srtp.protect_rtcp(rtcp.build(report, self._cname)))

    def add_round_trip(self, round_trip: RoundTrip) -> None:
        """One that was measured elsewhere."""
        self._round_trips.append(round_trip)

    def statistics(self) -> PeerStatistics:
        """What was counted up to now."""
        receptions = list(self._receptions.values())
        return PeerStatistics(
            packets_sent=self._packets_sent,
            bytes_sent=self._bytes_sent,
            packets_received=sum(reception.received for reception in receptions),
            bytes_received=self._bytes_received,
            packets_lost=sum(reception.lost for reception in receptions),
            jitter_ms=receptions[-1].jitter_ms if receptions else 0.0,
            packets_duplicated=self._packets_duplicated,
            packets_rejected=self._packets_rejected,
            remote_reports=tuple(self._remote_reports),
            round_trips=tuple(self._round_trips),
        )

    def _sender_info(self, now_ns: int) -> SenderInfo | None:
        if not self._packets_sent:
            return None
        ticks = (now_ns - self._last_sent_ns) * self._codec.clock_rate_hz // NS_PER_S
        return SenderInfo(
            ntp=rtcp.ntp(now_ns + self._unix_offset_ns),
            timestamp=self._last_timestamp + ticks & 0xFFFF_FFFF,
            packets=self._packets_sent & 0xFFFF_FFFF,
            payload_bytes=self._bytes_sent & 0xFFFF_FFFF,
        )

    def _block(self, ssrc: int, reception: Reception, now_ns: int) -> ReportBlock:
        middle, arrival_ns = self._last_reports.get(ssrc, (0, now_ns))
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=reception.fraction_lost(),
            packets_lost=reception.lost,
            highest_sequence=reception.highest_sequence,
            jitter=round(reception.jitter_ticks),
            last_report=middle,
            delay=(now_ns - arrival_ns) * _DLSR_UNITS // NS_PER_S & 0xFFFF_FFFF,
        )

    def _take_report(self, report: Report, arrival_ns: int) -> None:
        if report.sender is not None:
            self._last_reports[report.ssrc] = (rtcp.middle(report.sender.ntp), arrival_ns)
        for block in report.blocks:
            if block.ssrc == self._ssrc:
                self._take_block(block, arrival_ns)

    def _take_block(self, block: ReportBlock, arrival_ns: int) -> None:
        self._remote_reports.append(
            RemoteReport(
                at_ns=arrival_ns,
                fraction_lost=block.fraction_lost / 256,
                packets_lost=block.packets_lost,
                jitter_ms=block.jitter * 1000 / self._codec.clock_rate_hz,
            )
        )
        if block.last_report:
            now = rtcp.middle(rtcp.ntp(arrival_ns + self._unix_offset_ns))
            units = (now - block.last_report - block.delay) % (1 << 32)
            # A peer that rounds its delay up can make a short way negative; that is none at all.
            elapsed_ns = units * NS_PER_S // _DLSR_UNITS if units < 1 << 31 else 0
            self._round_trips.append(RoundTrip(arrival_ns, elapsed_ns / NS_PER_MS, "rtcp"))
