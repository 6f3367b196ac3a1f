"""RTCP packets (RFC 3550, 6): sender and receiver reports, with the source's name; the rest is skipped on reading."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from rtbench.clock import NS_PER_S

_SENDER_REPORT, _RECEIVER_REPORT, _SOURCE_DESCRIPTION = 200, 201, 202
_CNAME = 1
_HEADER = Struct("!BBHI")
_SENDER_INFO = Struct("!QIII")
_BLOCK = Struct("!IB3sIIII")
_FIRST_BYTE = 2 << 6
_SECONDS_1900_TO_1970 = 2_208_988_800
_LOST_LIMIT = 1 << 23
"""Cumulative loss is a signed number of 24 bits."""


class ReportBlock(NamedTuple):
    """What a receiver says of one stream."""

    ssrc: int
    fraction_lost: int
    """In 1/256."""

    packets_lost: int
    highest_sequence: int
    jitter: int
    """In units of the stream's clock."""

    last_report: int
    """Middle 32 bits of the NTP time of the last sender report seen; 0 for none."""

    delay: int
    """Since that report, in 1/65536 s."""


class SenderInfo(NamedTuple):
    """What a sender says of itself."""

    ntp: int
    """Its clock, 32 bits of seconds since 1900 and 32 of their fraction."""

    timestamp: int
    """The same instant on the stream's clock."""

    packets: int
    payload_bytes: int


class Report(NamedTuple):
    """A sender or receiver report; `sender` is None for the latter."""

    ssrc: int
    sender: SenderInfo | None
    blocks: tuple[ReportBlock, ...]


def build(report: Report, cname: str) -> bytes:
    """A compound packet: the report, and the source's name (RFC 3550, 6.1)."""
    info = b"" if report.sender is None else _SENDER_INFO.pack(*report.sender)
    body = info + b"".join(_build_block(block) for block in report.blocks)
    kind = _RECEIVER_REPORT if report.sender is None else _SENDER_REPORT
    name = cname.encode()
    item = bytes((_CNAME, len(name))) + name
    item += bytes(4 - len(item) % 4)  # at least one zero ends the list, and it fills up a word
    return (
        _HEADER.pack(_FIRST_BYTE | len(report.blocks), kind, 1 + len(body) // 4, report.ssrc)
        + body
        + _HEADER.pack(_FIRST_BYTE | 1, _SOURCE_DESCRIPTION, 1 + len(item) // 4, report.ssrc)
        + item
    )


def parse(data: bytes) -> list[Report]:
    """The reports in a compound packet. Raises ValueError where its lengths are wrong."""
    reports: list[Report] = []
    at = 0
    while at + 4 <= len(data):
        count, kind = data[at] & 0x1F, data[at + 1]
        end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] >> 6 != 2 or end > len(data):
            raise ValueError("not an RTCP packet")
        if kind in (_SENDER_REPORT, _RECEIVER_REPORT):
            reports.append(_parse_report(data[at:end], count, kind))
        at = end
    return reports


def ntp(unix_ns: int) -> int:
    """Wall time as RTCP says it, 64 bits."""
    seconds, nanoseconds = divmod(unix_ns, NS_PER_S)
    return ((seconds + _SECONDS_1900_TO_1970) % (1 << 32)) << 32 | (nanoseconds << 32) // NS_PER_S


def middle(ntp_time: int) -> int:
    """The 32 bits in the middle: 16 of seconds, 16 of their fraction."""
    return ntp_time >> 16 & 0xFFFF_FFFF


def _build_block(block: ReportBlock) -> bytes:
    lost = max(-_LOST_LIMIT, min(block.packets_lost, _LOST_LIMIT - 1))
    return _BLOCK.pack(block.ssrc, block.fraction_lost, lost.to_bytes(3, "big", signed=True), *block[3:])


def _parse_report(data: bytes, count: int, kind: int) -> Report:
    at = _HEADER.size
    sender_size = _SENDER_INFO.size if kind == _SENDER_REPORT else 0
    if len(data) < at + sender_size + count * _BLOCK.size:
        raise ValueError("RTCP report shorter than it says")
    ssrc: int = _HEADER.unpack_from(data)[3]
    sender = SenderInfo(*_SENDER_INFO.unpack_from(data, at)) if sender_size else None
    at += sender_size
    blocks = (_parse_block(data, at + number * _BLOCK.size) for number in range(count))
    return Report(ssrc, sender, tuple(blocks))


def _parse_block(data: bytes, at: int) -> ReportBlock:
    ssrc, fraction, lost, *rest = _BLOCK.unpack_from(data, at)
    return ReportBlock(ssrc, fraction, int.from_bytes(lost, "big", signed=True), *rest)
