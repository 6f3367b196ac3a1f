"""What the network did to one session's media: the record, its summing up, and the alert of a degraded stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rtbench.core.codec import PACKET_MS
from rtbench.core.e_model import rate_line
from rtbench.core.reception import Reception

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

MIN_PACKETS = 50
"""A second of audio: of fewer, one loss would be more than 2 %."""

LOOK_AHEAD_MS = {"opus": 6.5, "pcmu": 0.0, "pcma": 0.0}
"""How much later sound leaves the codec than it went in, beyond its packet (Opus: RFC 6716, 2, at most)."""


class _Sums:
    """What the connections of a session add up to on the way to its numbers; no part of its record."""

    __slots__ = (
        "bytes_received",
        "bytes_sent",
        "connected_s",
        "remote_lost",
        "remote_sent",
        "round_trips_ms",
        "simulated_late_ns",
        "simulated_messages",
    )

    def __init__(self) -> None:
        self.round_trips_ms: list[float] = []
        self.bytes_sent = 0
        self.bytes_received = 0
        self.connected_s = 0.0
        self.remote_sent = 0
        self.remote_lost = 0
        self.simulated_messages = 0
        self.simulated_late_ns = 0


class _Summing:
    """Holds the sums beside the fields of the record."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums = _Sums()


@dataclass(slots=True)
class Network(_Summing):
    """A session's media as its caller received it. None stands for what was not measured, as over a WebSocket.

    A session that was lost has several connections; all of them are taken together.
    """

    codec: str = ""
    """The one that was agreed on: opus, pcmu or pcma."""

    packets_expected: int = 0
    packets_received: int = 0
    """Different ones."""

    packets_lost: int = 0
    packets_reordered: int = 0
    """Came after one with a higher number."""

    packets_duplicated: int = 0
    packets_late: int = 0
    """Came after the player had needed them."""

    jitter_ms: float | None = None
    """RFC 3550's running estimate, its mean over all packets."""

    jitter_max_ms: float | None = None
    burst_ratio: float | None = None
    """Mean length of the losses over what it would be at random; 1 is random."""

    concealed_ms: float | None = None
    """Of the answers, what the player had to make up because nothing was there in time."""

    round_trip_ms: float | None = None
    """Median of the measurements, by RTCP and ICE consent checks."""

    round_trip_max_ms: float | None = None
    remote_packet_loss: float | None = None
    """Of our own packets, as the other side's last report of each connection counts them."""

    remote_jitter_ms: float | None = None
    """In the same reports, weighted by packets."""

    kbit_per_s_sent: float | None = None
    """Audio payload while connected."""

    kbit_per_s_received: float | None = None
    player_delay_ms: float | None = None
    """Depth of the jitter buffer."""

    one_way_delay_ms: float | None = None
    """Mouth to ear, as the E-model takes it: half the round trip, a packet, the codec's look-ahead, and the buffer."""

    mos_loss_percent: float | None = None
    """Packets that were not played: lost or late."""

    mos_ie: float | None = None
    mos_bpl: float | None = None
    mos_r: float | None = None
    mos: float | None = None
    degraded_intervals: int = 0
    """Stretches of the alert's interval, or of as long as a second of audio takes, with more loss or jitter than it allows."""

    first_degraded_ns: int | None = None
    codec_fallbacks: int = 0
    """1 where a connection was opened with PCMU since Opus had been degraded, on one before it or in its caller's last call."""

    codec_fallback_ns: int | None = None
    """When that connection was dialled."""

    simulation_late_ms: float | None = None
    """How much later than the simulated network meant it things arrived, in the mean; None without one. Like the next,
    it is the simulation's own error, and over a WebSocket too."""

    simulation_late_max_ms: float | None = None
    peer_states: str = ""
    """States of the peer connection over time, as a JSON list of `[state, ms since the session was asked for]`."""

    def __post_init__(self) -> None:
        _Summing.__init__(self)

    def fall_back(self, now: int) -> None:
        """The next connection is opened in the codec that is fallen back to."""
        self.codec_fallbacks += 1
        self.codec_fallback_ns = now

    def add(self, reception: Reception) -> None:
        """Take over what was counted of the packets of one connection."""
        mean_ns = reception.jitter_mean_ns
        if mean_ns is not None:
            jitter_ms = mean_ns / NS_PER_MS
            self.jitter_ms = _mean(self.jitter_ms, self.packets_received, jitter_ms, reception.received)
            self.jitter_max_ms = max(self.jitter_max_ms or 0.0, reception.jitter_max_ns / NS_PER_MS)
        if reception.expected:
            ratio = _mean(self.burst_ratio, self.packets_lost, reception.burst_ratio, reception.lost)
            self.burst_ratio = max(1.0, ratio)
        self.packets_expected += reception.expected
        self.packets_received += reception.received
        self.packets_lost += reception.lost
        self.packets_reordered += reception.reordered
        self.packets_duplicated += reception.duplicated

    def take_round_trips(self, round_trips_ms: Sequence[float]) -> None:
        """Measurements of the way there and back, on one connection."""
        taken = self._sums.round_trips_ms
        taken += round_trips_ms
        if taken:
            self.round_trip_ms = median(taken)
            self.round_trip_max_ms = max(taken)

    def take_traffic(self, bytes_sent: int, bytes_received: int, connected_s: float) -> None:
        """Audio payload of one connection, and how long it stood."""
        sums = self._sums
        sums.bytes_sent += bytes_sent
        sums.bytes_received += bytes_received
        sums.connected_s += connected_s
        if sums.connected_s > 0:
            self.kbit_per_s_sent = sums.bytes_sent * 8 / 1000 / sums.connected_s
            self.kbit_per_s_received = sums.bytes_received * 8 / 1000 / sums.connected_s

    def take_remote(self, packets_sent: int, packets_lost: int, jitter_ms: float) -> None:
        """The other side's last report of one connection; doubles can make its loss negative, which counts as none."""
        sums = self._sums
        self.remote_jitter_ms = _mean(self.remote_jitter_ms, sums.remote_sent, jitter_ms, packets_sent)
        sums.remote_sent += packets_sent
        sums.remote_lost += max(0, packets_lost)
        self.remote_packet_loss = sums.remote_lost / sums.remote_sent

    def take_simulation(self, messages: int, late_ns: int, worst_ns: int) -> None:
        """What the simulated network of one connection carried, and how late it was, in all and at worst."""
        if not messages:
            return
        sums = self._sums
        sums.simulated_messages += messages
        sums.simulated_late_ns += late_ns
        self.simulation_late_ms = sums.simulated_late_ns / sums.simulated_messages / NS_PER_MS
        self.simulation_late_max_ms = max(self.simulation_late_max_ms or 0.0, worst_ns / NS_PER_MS)

    def rate(self) -> None:
        """Rate the line by the E-model, once all that it needs was taken; nothing without packets or a round trip."""
        if not self.packets_expected or self.round_trip_ms is None or self.burst_ratio is None:
            return
        way_ms = self.round_trip_ms / 2 + PACKET_MS + LOOK_AHEAD_MS[self.codec] + (self.player_delay_ms or 0)
        loss = min(1.0, (self.packets_lost + self.packets_late) / self.packets_expected)
        rating = rate_line(self.codec, way_ms, loss, self.burst_ratio)
        self.one_way_delay_ms = rating.one_way_delay_ms
        self.mos_loss_percent = rating.loss_percent
        self.mos_ie, self.mos_bpl = rating.ie, rating.bpl
        self.mos_r, self.mos = rating.r, rating.mos


@dataclass(frozen=True, slots=True)
class NetworkAlert:
    """What makes a stretch of a session's network degraded. The defaults are a widespread rule of thumb."""

    loss: float = 0.02
    """Share of packets lost above which it is."""

    jitter_ms: float = 30.0
    """RFC 3550 jitter above which it is."""

    interval_ns: int = 5 * NS_PER_S


class NetworkWatch:
    """Judges a session's network interval by interval; one with too few packets goes on until there are enough."""

    def __init__(self, alert: NetworkAlert, reception: Reception, now: int) -> None:
        self.degraded = 0
        """Intervals so far that were."""

        self.first_degraded_ns: int | None = None
        self._alert = alert
        self._reception = reception
        self._due_ns = now + alert.interval_ns
        self._expected = self._received = 0

    def look(self, now: int) -> None:
        """Judge the interval if it is over; cheap, for every packet."""
        if now >= self._due_ns:
            self.finish(now)

    def finish(self, now: int) -> None:
        """The interval ends here, and with the connection the last one; without enough packets it says nothing yet."""
        reception = self._reception
        expected, received = reception.expected - self._expected, reception.received - self._received
        if expected < MIN_PACKETS:
            return
        self._expected, self._received = reception.expected, reception.received
        self._due_ns = now + self._alert.interval_ns
        loss = 1 - received / expected
        if loss > self._alert.loss or reception.jitter_ns / NS_PER_MS > self._alert.jitter_ms:
            self.degraded += 1
            if self.first_degraded_ns is None:
                self.first_degraded_ns = now


def _mean(before: float | None, weight_before: int, value: float, weight: int) -> float:
    """Of what was so far and what comes to it, weighted; the latter alone where nothing weighs."""
    if before is None or not weight_before + weight:
        return value
    return (before * weight_before + value * weight) / (weight_before + weight)
