"""Counts the packets of one stream as they arrive: loss, jitter, order, doubles and bursts, from arrival stamps alone.

Loss and jitter are those of RFC 3550 (A.3 and A.8). Jitter compares packets of one talkspurt only: in
silence a sender may stop its clock.

A sender may change its SSRC, or begin anew under the same one (A.1). Its numbers and timestamps then say
nothing in comparison with those before: each such source is counted for itself, and laid behind the one
before in the order of arrival, by as many packets on the clock as would have come meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

from rtbench.core.codec import PACKET_MS
from rtbench.core.rtp import SEQUENCE_BITS, TIMESTAMP_BITS, Arrival, Packet, Unwrapped

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

PAUSE_NS = 100_000_000
"""Packets come every 20 ms; after so long a wait the next one begins a talkspurt, marked or not."""

REMEMBERED = 512
"""Sequence numbers for which a double, or a latecomer, is told from a new packet: ten seconds of them."""


MAX_DROPOUT = 3_000
"""Numbers that may be missing in a row, a minute of them; where more are, the sender began anew (RFC 3550, A.1)."""


class _Source:
    """One run of numbers and timestamps, and where they lie in the whole stream."""

    __slots__ = (
        "before",
        "first",
        "highest",
        "jitter_ns",
        "sequence_shift",
        "sequences",
        "tick_shift",
        "timestamps",
    )

    def __init__(self, packet: Packet, sequence: int, ticks: int) -> None:
        """Its first packet lies at this number and tick of the whole."""
        self.sequences = Unwrapped(SEQUENCE_BITS)
        self.timestamps = Unwrapped(TIMESTAMP_BITS)
        self.sequence_shift = sequence - packet.sequence
        self.tick_shift = ticks - packet.timestamp
        self.first = self.highest = sequence
        self.before: Arrival | None = None
        self.jitter_ns = 0.0

    @property
    def expected(self) -> int:
        return self.highest - self.first + 1

    def begins_anew(self, packet: Packet) -> bool:
        """Whether the packet's number is too far from the others to be one of them."""
        behind = (self.highest - self.sequence_shift - packet.sequence) % (1 << SEQUENCE_BITS)
        return REMEMBERED < behind < (1 << SEQUENCE_BITS) - MAX_DROPOUT


class Reception:
    """Counts the packets of one stream as they arrive. One `receive` per packet, in order of arrival."""

    def __init__(self, clock_hz: int) -> None:
        self.received = 0
        self.duplicated = 0
        self.reordered = 0
        self.jitter_max_ns = 0.0
        self._clock_hz = clock_hz
        self._sources: dict[int, _Source] = {}
        self._source: _Source | None = None
        """The newest one."""

        self._expected_of_left = 0
        self._latest: Arrival | None = None
        self._seen: set[int] = set()
        self._jitter_sum_ns = 0.0
        self._compared = 0
        self._runs: list[int] = []
        self._open_losses: set[int] = set()

    def receive(self, packet: Packet, now: int) -> Arrival | None:
        """The packet in its place; None where it came before."""
        source = self._sources.get(packet.ssrc)
        if source is None or source.begins_anew(packet):
            source = self._begin(packet, now)
        sequence = source.sequences.count(packet.sequence) + source.sequence_shift
        if sequence in self._seen:
            self.duplicated += 1
            return None
        ticks = source.timestamps.count(packet.timestamp) + source.tick_shift
        arrival = Arrival(sequence, ticks, packet.marker, packet.payload, now)
        self.received += 1
        self._note_sequence(source, sequence)
        self._note_transit(source, arrival)
        if self._latest is None or sequence > self._latest.sequence:
            self._latest = arrival
        return arrival

    @property
    def expected(self) -> int:
        """Packets from the lowest number to the highest, of each source."""
        return self._expected_of_left + sum(source.expected for source in self._sources.values())

    @property
    def lost(self) -> int:
        """Never seen so far."""
        return self.expected - self.received

    @property
    def jitter_ns(self) -> float:
        """The running estimate of the newest source as it stands (RFC 3550, A.8)."""
        return 0.0 if self._source is None else self._source.jitter_ns

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

    def _begin(self, packet: Packet, now: int) -> _Source:
        """A source is heard for the first time, or begins anew."""
        latest, left = self._latest, self._sources.pop(packet.ssrc, None)
        self._expected_of_left += left.expected if left is not None else 0
        if latest is None:
            source = _Source(packet, packet.sequence, packet.timestamp)
        else:
            packets = max(1, round((now - latest.at_ns) / (PACKET_MS * NS_PER_MS)))
            ticks = latest.ticks + packets * PACKET_MS * self._clock_hz // 1000
            # Far enough behind that latecomers of either have numbers of their own.
            source = _Source(packet, latest.sequence + 2 * REMEMBERED, ticks)
        self._source = self._sources[packet.ssrc] = source
        return source

    def _note_sequence(self, source: _Source, sequence: int) -> None:
        seen = self._seen
        is_first = source.before is None
        seen.add(sequence)
        if sequence > source.highest:
            if sequence > source.highest + 1:
                self._open_losses.update(range(max(source.highest + 1, sequence - REMEMBERED), sequence))
            source.highest = sequence
        elif not is_first:
            self.reordered += 1
            self._open_losses.discard(sequence)
            source.first = min(source.first, sequence)
        if len(seen) > 2 * REMEMBERED:
            self._forget(source.highest - REMEMBERED)

    def _forget(self, before: int) -> None:
        """What is missing from so far back will not come any more."""
        self._seen = {sequence for sequence in self._seen if sequence >= before}
        final = sorted(sequence for sequence in self._open_losses if sequence < before)
        self._runs += burst_lengths(final)
        self._open_losses.difference_update(final)

    def _note_transit(self, source: _Source, arrival: Arrival) -> None:
        before, source.before = source.before, arrival
        if before is None or arrival.marker or arrival.at_ns - before.at_ns >= PAUSE_NS:
            return
        sent_ns = (arrival.ticks - before.ticks) * NS_PER_S // self._clock_hz
        difference_ns = abs(arrival.at_ns - before.at_ns - sent_ns)
        source.jitter_ns += (difference_ns - source.jitter_ns) / 16
        self._jitter_sum_ns += source.jitter_ns
        self._compared += 1
        self.jitter_max_ns = max(self.jitter_max_ns, source.jitter_ns)


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
