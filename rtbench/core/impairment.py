"""A bad network, as a pure model: what one direction of it does to a packet, or to the bytes of a stream.

    loss        Gilbert-Elliott: packets are lost in bursts, at a rate of its own in the bad state
    delay       a mean one-way delay, and jitter: the mean difference of two packets that follow each other
                (RFC 3550, 6.4.1), as a receiver will measure it (see `delay_variation`)
    order       kept, as a queue keeps it; a share of the packets is held back and overtaken
    bandwidth   packets leave one after the other; those that would wait longer than the queue are dropped
    outages     windows in which nothing passes, in both directions at once
    change      what is under way arrives as the old network has it, and the new one overtakes none of it

A stream loses nothing: TCP sends again, and all that follows waits for it. A lost segment costs one
round trip and a quarter (RACK, RFC 8985, 6.2), each further loss of it, and each in an outage, a
retransmission timeout that doubles (RFC 6298). The congestion window is not modelled: a caller's
512 kbit/s do not fill one.

The draws come from decks (see `deck`), so that the numbers hold for short runs too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rtbench.core.deck import Chance, Deck, exponentials, outcomes, run_lengths
from rtbench.core.delay_variation import DelayVariation, delay_variation

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

MTU_PAYLOAD_BYTES = 1448
"""A full TCP segment in Ethernet's 1500 bytes, with timestamps."""

DATAGRAM_OVERHEAD_BYTES = 28
"""IPv4 and UDP headers, which take bandwidth too."""

SEGMENT_OVERHEAD_BYTES = 52
"""IPv4 and TCP headers with timestamps."""

RTO_MARGIN_NS = 200 * NS_PER_MS
"""Linux waits the round trip and at least this for an acknowledgement (TCP_RTO_MIN)."""

MAX_RTO_NS = 60 * NS_PER_S
"""Where doubling ends (RFC 6298, 2.5)."""

PACKET_SPACING_MS = 20.0
"""Of RTP, for which jitter is defined."""

WRITE_SPACING_MS = 40.0
"""Of audio on a stream, as a caller sends it by default."""

OVERTAKEN_NS = 30 * NS_PER_MS
"""How long a packet that is to be overtaken is held back: longer than the 20 ms to the next one."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """A network in numbers, the same for both directions but for the rates."""

    name: str = "ideal"
    delay_ms: float = 0.0
    """Mean one-way delay, jitter included."""

    jitter_ms: float = 0.0
    """Mean difference of the delays of two packets 20 ms apart."""

    loss: float = 0.0
    """Share of the packets lost, from 0 to 1."""

    burst: float = 1.0
    """Mean length of the bad state, in packets."""

    loss_in_burst: float = 1.0
    """Share of the packets lost in the bad state."""

    reordering: float = 0.0
    """Share of the packets that are overtaken."""

    up_kbps: float | None = None
    """Bandwidth from the caller to the service; None is without limit."""

    down_kbps: float | None = None
    queue_ms: float = 1_000.0
    """Longest time that a packet waits for bandwidth."""

    outage_every_ms: float | None = None
    """Length of the periods that hold one outage each; None is without outages."""

    outage_ms: float = 0.0
    source: str = ""
    """Where the numbers come from."""

    @property
    def round_trip_ns(self) -> int:
        return round(2 * self.delay_ms * NS_PER_MS)


def delay_variations(conditions: Conditions) -> tuple[DelayVariation, DelayVariation]:
    """How the delay of packets varies, and that of writes on a stream. Raises ValueError where it cannot be had.

    The first time takes some milliseconds, which no call should wait for.
    """
    # A receiver sees the packets that came; those are so much further apart.
    packet_spacing_ms = PACKET_SPACING_MS / (1 - conditions.loss)
    delay_ms, jitter_ms = conditions.delay_ms, conditions.jitter_ms
    of_packets = delay_variation(delay_ms, jitter_ms, packet_spacing_ms)
    return of_packets, delay_variation(delay_ms, jitter_ms, WRITE_SPACING_MS)


class Outages:
    """Windows in which nothing passes: one in each period, at a random place in it."""

    def __init__(self, conditions: Conditions, chance: Chance, start_ns: int) -> None:
        self._every_ns = round((conditions.outage_every_ms or 0.0) * NS_PER_MS)
        self._lasts_ns = min(round(conditions.outage_ms * NS_PER_MS), self._every_ns)
        self._chance = chance
        self._start_ns = start_ns
        self._offsets: list[int] = []

    def end_ns(self, now: int) -> int | None:
        """When the outage in force is over; None where there is none."""
        if not self._lasts_ns or now < self._start_ns:
            return None
        period, within_ns = divmod(now - self._start_ns, self._every_ns)
        while len(self._offsets) <= period:
            self._offsets.append(int(self._chance.random() * (self._every_ns - self._lasts_ns)))
        begins_ns = self._offsets[period]
        if not begins_ns <= within_ns < begins_ns + self._lasts_ns:
            return None
        return now - within_ns + begins_ns + self._lasts_ns


class BurstLoss:
    """The Gilbert-Elliott chain: which packet is lost next."""

    def __init__(self, conditions: Conditions, chance: Chance) -> None:
        self._in_burst = conditions.loss_in_burst
        self._left = 0.0
        self._bad = True  # so that the good state is drawn first
        bad_share = conditions.loss / self._in_burst if self._in_burst else 0.0
        self._never = bad_share <= 0
        if self._never:
            return
        gap = conditions.burst * (1 - bad_share) / bad_share
        self._lengths = {
            True: Deck(run_lengths(conditions.burst), chance),
            False: Deck(run_lengths(gap), chance),
        }
        self._strikes = Deck(outcomes(self._in_burst, 10), chance)

    def loses(self) -> bool:
        """Whether the next packet is lost."""
        if self._never:
            return False
        while self._left < 1:
            self._bad = not self._bad
            self._left += self._lengths[self._bad].draw()
        self._left -= 1
        return self._bad and (self._in_burst >= 1 or self._strikes.draw() > 0)


class Link:
    """One direction of a network. Instants are nanoseconds of the caller's clock, and never run backwards."""

    def __init__(self, conditions: Conditions, kbps: float | None, outages: Outages, chance: Chance) -> None:
        self._packet_front_ns = 0
        self._stream_front_ns = 0
        self.sent = 0
        """Packets, or segments of a stream, sent again not counted."""

        self.lost = 0
        """Of these, lost by the chain; a stream sends them again."""

        self.cut = 0
        """Lost in outages."""

        self.overflowed = 0
        """Dropped because the queue was full."""

        self.change(conditions, kbps, outages, chance)

    def change(self, conditions: Conditions, kbps: float | None, outages: Outages, chance: Chance) -> None:
        """From now on these; nobody waits at the new bottleneck yet, but order is kept."""
        self._conditions = conditions
        self._bits_per_ns = kbps / 1e6 if kbps else None
        self._outages = outages
        self._loss = BurstLoss(conditions, chance)
        self._of_packets, self._of_writes = delay_variations(conditions)
        self._variation = Deck(exponentials(), chance)
        self._lost_again = Deck(outcomes(conditions.loss, 1_000), chance)
        self._overtaken = Deck(outcomes(conditions.reordering, 1_000), chance)
        self._free_ns = 0

    def datagram(self, size_bytes: int, now: int) -> int | None:
        """When a packet sent now arrives; None where it never does."""
        self.sent += 1
        if self._outages.end_ns(now) is not None:
            self.cut += 1
            return None
        if self._loss.loses():
            self.lost += 1
            return None
        begin_ns = max(now, self._free_ns)
        if begin_ns - now > self._conditions.queue_ms * NS_PER_MS:
            self.overflowed += 1
            return None
        arrival_ns = self._leave(begin_ns, size_bytes + DATAGRAM_OVERHEAD_BYTES)
        arrival_ns += self._delay_ns(self._of_packets)
        if self._conditions.reordering and self._overtaken.draw():
            return arrival_ns + OVERTAKEN_NS
        self._packet_front_ns = max(self._packet_front_ns, arrival_ns)
        return self._packet_front_ns

    def begin_stream(self) -> None:
        """A connection of its own: it does not wait for what earlier ones send again."""
        self._stream_front_ns = 0

    def stream(self, size_bytes: int, now: int) -> int:
        """When the last of these bytes, written now, can be read at the other end; never before earlier ones.

        Packets and streams share bandwidth and losses, but do not wait for each other's retransmissions.
        """
        delay_ns = self._delay_ns(self._of_writes)  # one draw: the segments of a write meet the same queue
        while size_bytes > 0:
            self.sent += 1
            segment = min(size_bytes, MTU_PAYLOAD_BYTES)
            size_bytes -= segment
            sent_ns = self._leave(max(now, self._free_ns), segment + SEGMENT_OVERHEAD_BYTES)
            arrival_ns = self._until_it_passes(sent_ns) + delay_ns
            self._stream_front_ns = max(self._stream_front_ns, arrival_ns)
        return self._stream_front_ns

    def _leave(self, begin_ns: int, size_bytes: int) -> int:
        """When the last bit of a packet is on its way."""
        if self._bits_per_ns is None:
            return begin_ns
        self._free_ns = begin_ns + round(size_bytes * 8 / self._bits_per_ns)
        return self._free_ns

    def _delay_ns(self, variation: DelayVariation) -> int:
        """One draw of the one-way delay."""
        varied_ms = variation.scale_ms * self._variation.draw() if variation.scale_ms else 0.0
        return round((variation.floor_ms + varied_ms) * NS_PER_MS)

    def _until_it_passes(self, sent_ns: int) -> int:
        """When the transmission of a segment leaves that arrives at last."""
        round_trip_ns = self._conditions.round_trip_ns
        rto_ns = round_trip_ns + RTO_MARGIN_NS
        attempt, met_the_chain = 0, False
        while True:
            cut = self._outages.end_ns(sent_ns) is not None
            if cut:
                self.cut += 1
            else:
                # A retransmission is sent when the burst that took the first one is long over.
                lost = self._lost_again.draw() > 0 if met_the_chain else self._loss.loses()
                if not lost:
                    return sent_ns
                self.lost += 1
                met_the_chain = True
            if attempt == 0 and not cut:
                sent_ns += round_trip_ns * 5 // 4
            else:
                sent_ns += rto_ns
                rto_ns = min(2 * rto_ns, MAX_RTO_NS)
            attempt += 1


class Network:
    """Both directions between one caller and the service."""

    def __init__(self, conditions: Conditions, new_chance: Callable[[str], Chance], start_ns: int) -> None:
        """`new_chance(name)` makes a generator of its own for each part, so that one more leaves the others as they were."""
        self.conditions = conditions
        outages = Outages(conditions, new_chance("outages"), start_ns)
        self.up = Link(conditions, conditions.up_kbps, outages, new_chance("up"))
        self.down = Link(conditions, conditions.down_kbps, outages, new_chance("down"))
        self._new_chance = new_chance
        self._changes = 0

    def change(self, conditions: Conditions, now: int) -> None:
        """It is another network from now on, both ways; each change draws from generators of its own."""
        self.conditions = conditions
        self._changes += 1
        chances = {part: self._new_chance(f"{part}/{self._changes}") for part in ("outages", "up", "down")}
        outages = Outages(conditions, chances["outages"], now)
        self.up.change(conditions, conditions.up_kbps, outages, chances["up"])
        self.down.change(conditions, conditions.down_kbps, outages, chances["down"])

    def begin_stream(self) -> None:
        """A new connection, both ways."""
        self.up.begin_stream()
        self.down.begin_stream()
