"""Packets in a row that are lost on the way: which of an answer's pieces lose how many.

A loss is heard by the packet behind it. So a piece of which nothing would be left is kept back until the next one
comes, which is ordered ahead of its time; where it was the answer's last, it is spared.
"""

from __future__ import annotations

from dataclasses import replace

from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.faulty_audio import lose
from rtbench.emulator.playout import SpeakPackets


class PacketLoss:
    """The loss in one answer."""

    def __init__(
        self, packets: int = 0, session_id: str = "", response_id: str = "", *, ordered: bool = False
    ) -> None:
        """So many in a row are to be lost, from the next piece on."""
        self._left = packets
        self._row = FaultRow("lost_packets", 0, session_id, response_id, ordered=ordered)
        self._kept: SpeakPackets | None = None
        self._lost = 0

    def take_rows(self) -> list[FaultRow]:
        """What was lost, told once, when nothing more will be; it struck when the first lost packet was due."""
        if self._left or self._kept is not None or not self._lost:
            return []
        lost, self._lost = self._lost, 0
        return [replace(self._row, setting=str(lost))]

    def take(self, piece: SpeakPackets) -> list[SpeakPackets]:
        """The next piece of the answer: what is to be played now."""
        pieces = [self._lose(kept, len(kept.packets)) for kept in self._take_kept()]
        if not self._left:
            return [*pieces, piece]
        if self._left < len(piece.packets):
            return [*pieces, self._lose(piece, self._left)]
        self._kept = piece
        return pieces

    def end(self) -> list[SpeakPackets]:
        """The answer has no more pieces: what is still to be played of it."""
        self._left = 0
        return self._take_kept()

    def _take_kept(self) -> list[SpeakPackets]:
        kept, self._kept = self._kept, None
        return [] if kept is None else [kept]

    def _lose(self, piece: SpeakPackets, count: int) -> SpeakPackets:
        if not self._lost:
            self._row = replace(self._row, at_ns=piece.at_ns)
        self._lost += count
        self._left -= count
        return replace(piece, packets=lose(piece.packets, count))
