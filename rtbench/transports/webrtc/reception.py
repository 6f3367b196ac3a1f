"""What a receiver knows of one RTP stream, by RFC 3550: expected and lost packets (A.1, A.3), jitter (A.8)."""

from __future__ import annotations

from rtbench.clock import NS_PER_S

_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32
_MAX_DROPOUT = 3000
"""A jump forward up to this is loss; beyond it the sender began anew (RFC 3550, A.1)."""

_MAX_MISORDER = 100
"""A packet up to so many behind the newest came late (same place)."""


class Reception:
    """Counts of one stream, fed with every packet in the order of arrival."""

    __slots__ = (
        "_base",
        "_expected_before",
        "_expected_prior",
        "_highest",
        "_last_arrival_ns",
        "_last_timestamp",
        "_received_prior",
        "clock_rate_hz",
        "jitter_ticks",
        "received",
    )

    def __init__(self, clock_rate_hz: int) -> None:
        self.clock_rate_hz = clock_rate_hz
        self.received = 0
        self.jitter_ticks = 0.0
        """In units of the RTP clock."""

        self._base = 0
        self._highest = -1
        """Sequence number with the count of its cycles above 16 bits; negative before the first packet."""

        self._expected_before = 0
        self._expected_prior = 0
        self._received_prior = 0
        self._last_timestamp = 0
        self._last_arrival_ns = 0

    @property
    def highest_sequence(self) -> int:
        """Extended to 32 bits, as a report block says it."""
        return max(self._highest, 0) % _TIMESTAMPS

    @property
    def expected(self) -> int:
        """Packets that the sender has sent, as far as its numbers say."""
        return self._expected_before + (self._highest - self._base + 1 if self.received else 0)

    @property
    def lost(self) -> int:
        """Expected less received."""
        return self.expected - self.received

    @property
    def jitter_ms(self) -> float:
        """Mean deviation of the packets' spacing on arrival from their spacing at the sender, smoothed."""
        return self.jitter_ticks * 1000 / self.clock_rate_hz

    def receive(self, sequence: int, timestamp: int, arrival_ns: int) -> None:
        """A packet came."""
        if self.received:
            self._move_on(sequence)
            elapsed = (arrival_ns - self._last_arrival_ns) * self.clock_rate_hz / NS_PER_S
            ticks = (timestamp - self._last_timestamp + _TIMESTAMPS // 2) % _TIMESTAMPS - _TIMESTAMPS // 2
            self.jitter_ticks += (abs(elapsed - ticks) - self.jitter_ticks) / 16
        else:
            self._base = self._highest = sequence
        self.received += 1
        self._last_timestamp = timestamp
        self._last_arrival_ns = arrival_ns

    def fraction_lost(self) -> int:
        """Of what was expected since the last call, in 1/256; duplicates can hide loss, but never make it negative."""
        expected, received = self.expected - self._expected_prior, self.received - self._received_prior
        self._expected_prior, self._received_prior = self.expected, self.received
        lost = expected - received
        return min(255, 256 * lost // expected) if expected > 0 and lost > 0 else 0

    def _move_on(self, sequence: int) -> None:
        step = (sequence - self._highest) % _SEQUENCES
        if step < _MAX_DROPOUT:
            self._highest += step
        elif step < _SEQUENCES - _MAX_MISORDER:
            self._expected_before = self.expected
            self._base = self._highest = sequence
