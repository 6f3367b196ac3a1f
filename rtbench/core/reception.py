"""Counts the packets of one stream as they arrive: loss, jitter, order, doubles and bursts, from arrival stamps alone.

Loss and jitter are those of RFC 3550 (A.3 and A.8). Jitter compares packets of one talkspurt only: in
silence a sender may stop its clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from rtbench.core.rtp import SEQUENCE_BITS, TIMESTAMP_BITS, Arrival, Packet, Unwrapped

NS_PER_S = 1_000_000_000

PAUSE_NS = 100_000_000
"""Packets come every 20 ms; after so long a wait the next one begins a talkspurt, marked or not."""

REMEMBERED = 512
"""Sequence numbers for which a double, or a latecomer, is told from a new packet: ten seconds of them."""


class Reception:
    """Counts the packets of one stream as they arrive. One `receive` per packet, in order of arrival."""

    def __init__(self, clock_hz: int) -> None:
        self.received = 0
        self.duplicated = 0
        self.reordered = 0
        self.jitter_max_ns = 0.0
        self._clock_hz = clock_hz
        self._sequences = Unwrapped(SEQUENCE_BITS)
        self._timestamps = Unwrapped(TIMESTAMP_BITS)
        self._first: int | None = None
        self._highest = 0
        self._seen: set[int] = set()
        self._before: Arrival | None = None
        self._jitter_ns = 0.0
        self._jitter_sum_ns = 0.0
        self._compared = 0
        self._runs: list[int] = []
        self._open_losses: set[int] = set()

    def receive(self, packet: Packet, now: int) -> Arrival | None:
        """The packet in its place; None where it came before."""
        sequence = self._sequences.count(packet.sequence)
        if sequence in self._seen:
            self.duplicated += 1
            return None
        ticks = self._timestamps.count(packet.timestamp)
        arrival = Arrival(sequence, ticks, packet.marker, packet.payload, now)
        self.received += 1
        self._note_sequence(sequence)
        self._note_transit(arrival)
        return arrival

    @property
    def expected(self) -> int:
        """Packets from the lowest number to the highest."""
        return 0 if self._first is None else self._highest - self._first + 1

    @property
    def lost(self) -> int:
        """Never seen so far."""
        return self.expected - self.received

    @property
    def jitter_ns(self) -> float:
        """The running estimate as it stands (RFC 3550, A.8)."""
        return self._jitter_ns

    @property
    def jitter_mean_ns(self) -> float | None:
        """Its mean over all packets; None where no two could be compared."""
        return self._jitter_sum_ns / self._compared if self._compared else None

    @property
    def burst_ratio(self) -> float:
        """Mean length of the losses over that of random ones at the same rate; 1 where nothing was lost."""
        lengths = burst_lengths(sorted(self._open_losses)) if self._open_losses else []
        lengths = [*self._runs, *lengths]
        if not lengths or not self.expected:
            return 1.0
        return max(1.0, sum(lengths) / len(lengths) * (1 - self.lost / self.expected))

    def _note_sequence(self, sequence: int) -> None:
        seen = self._seen
        seen.add(sequence)
        if self._first is None:
            self._first = self._highest = sequence
        elif sequence > self._highest:
            if sequence > self._highest + 1:
                self._open_losses.update(range(max(self._highest + 1, sequence - REMEMBERED), sequence))
            self._highest = sequence
        else:
            self.reordered += 1
            self._open_losses.discard(sequence)
            self._first = min(self._first, sequence)
        if len(seen) > 2 * REMEMBERED:
            self._forget(self._highest - REMEMBERED)

    def _forget(self, before: int) -> None:
        """What is missing from so far back will not come any more."""
        self._seen = {sequence for sequence in self._seen if sequence >= before}
        final = sorted(sequence for sequence in self._open_losses if sequence < before)
        self._runs += burst_lengths(final)
        self._open_losses.difference_update(final)

    def _note_transit(self, arrival: Arrival) -> None:
        before, self._before = self._before, arrival
        if before is None or arrival.marker or arrival.at_ns - before.at_ns >= PAUSE_NS:
            return
        sent_ns = (arrival.ticks - before.ticks) * NS_PER_S // self._clock_hz
        difference_ns = abs(arrival.at_ns - before.at_ns - sent_ns)
        self._jitter_ns += (difference_ns - self._jitter_ns) / 16
        self._jitter_sum_ns += self._jitter_ns
        self._compared += 1
        self.jitter_max_ns = max(self.jitter_max_ns, self._jitter_ns)


def burst_lengths(lost: Sequence[int]) -> list[int]:
    """Lengths of the runs in ascending sequence numbers that were lost."""
    lengths: list[int] = []
    before: int | None = None
    for sequence in lost:
        if before is not None and sequence == before + 1:
            lengths[-1] += 1
        else:
            lengths.append(1)
        before = sequence
    return lengths
