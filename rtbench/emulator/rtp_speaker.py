"""The speaker of a call: sends packets of speech when each is due, as a service does that plays by itself.

Between answers nothing is sent; timestamps go on with the clock, and the first packet after a pause
bears the marker (RFC 3551, 4.1), so a listener knows silence from loss. Or silence is sent without end,
as services do whose packets come from a sound card's clock: then no marker tells where an answer begins, and one
that comes late is later by what silence has taken of its time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.emulator.faulty_audio import LOST
from rtbench.emulator.playout import PACKET_NS, FallSilent, SpeakPackets
from rtbench.engine.alarm import EARLY_NS, Alarm, AlarmClock


class PacketSink(Protocol):
    """Where packets go: `transports.webrtc.Peer`."""

    def send_packet(self, payload: bytes, *, timestamp: int, marker: bool = False) -> None: ...

    def lose_packet(self) -> None: ...


class RtpSpeaker:
    """Paces the packets of one call; each is due 20 ms after the one before it, whatever became of that.

    `on_sent(speech, sent_ns)` is called when the first and when the last packet of a piece has left.
    """

    def __init__(
        self,
        sink: PacketSink,
        clock_rate_hz: int,
        alarms: AlarmClock,
        on_sent: Callable[[SpeakPackets, int], None],
    ) -> None:
        self._sink = sink
        self._clock_rate_hz = clock_rate_hz
        self._alarms = alarms
        self._on_sent = on_sent
        self._origin_ns = monotonic_ns()
        self._pieces: deque[SpeakPackets] = deque()
        self._index = 0
        """Of the next packet in the first piece."""

        self._spoken_until_ns = 0
        self._sent_ns = 0
        self._filler = b""
        self._alarm: Alarm | None = None

    def fill(self, filler: bytes) -> None:
        """From here on send this packet, of silence, whenever there is nothing else to send."""
        self._filler = filler
        self._spoken_until_ns = monotonic_ns()
        self._ring(self._spoken_until_ns)

    def speak(self, speech: SpeakPackets) -> None:
        """Send these after what there is to send already."""
        if self._filler and speech.at_ns < (free_ns := self._free_ns):
            speech = replace(speech, at_ns=free_ns)
        self._pieces.append(speech)
        if self._alarm is None or self._filler:
            self._ring(monotonic_ns())

    def fall_silent(self, order: FallSilent) -> None:
        """Send nothing of what there is to send that is due at this instant or later."""
        pieces, sent = tuple(self._pieces), self._index
        self._pieces.clear()
        for number, piece in enumerate(pieces):
            kept = -(-(order.at_ns - piece.at_ns) // PACKET_NS)
            if kept > (0 if number else sent):
                self._pieces.append(replace(piece, packets=piece.packets[:kept]))
            elif not number and sent:
                self._on_sent(piece, self._sent_ns)
                self._index = 0
        if not self._pieces:
            self._index = 0
            self._arm()

    def stop(self) -> None:
        """Send nothing any more."""
        self._pieces.clear()
        self._index = 0
        self._filler = b""
        self._arm()

    @property
    def _due_ns(self) -> int:
        return self._pieces[0].at_ns + self._index * PACKET_NS

    @property
    def _free_ns(self) -> int:
        """Up to when all time is taken, by what was sent and by what there is to send."""
        if not self._pieces:
            return self._spoken_until_ns
        return self._pieces[-1].at_ns + len(self._pieces[-1].packets) * PACKET_NS

    @property
    def _fills(self) -> bool:
        """Whether silence comes next: a whole packet of it fits before what there is to send."""
        return bool(self._filler) and (not self._pieces or self._spoken_until_ns + PACKET_NS <= self._due_ns)

    def _next_ns(self) -> int | None:
        """When the next packet is due; None where there is none."""
        if self._fills:
            return self._spoken_until_ns
        return self._due_ns if self._pieces else None

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        next_ns = self._next_ns()
        self._alarm = None if next_ns is None else self._alarms.call_at(next_ns, self._ring)

    def _ring(self, now: int) -> None:
        while (next_ns := self._next_ns()) is not None and next_ns <= now + EARLY_NS:
            if self._fills:
                self._send_silence()
            else:
                self._send_next()
        self._arm()

    def _send_silence(self) -> None:
        due_ns = self._spoken_until_ns
        self._spoken_until_ns = due_ns + PACKET_NS
        self._sink.send_packet(self._filler, timestamp=self._timestamp(due_ns))

    def _timestamp(self, due_ns: int) -> int:
        return (due_ns - self._origin_ns) * self._clock_rate_hz // NS_PER_S

    def _send_next(self) -> None:
        piece, due_ns = self._pieces[0], self._due_ns
        timestamp = self._timestamp(due_ns)
        marker = due_ns != self._spoken_until_ns and not self._filler
        payload = piece.packets[self._index]
        if payload == LOST:
            self._sink.lose_packet()
        else:
            self._sink.send_packet(payload, timestamp=timestamp, marker=marker)
        self._sent_ns = monotonic_ns()
        self._spoken_until_ns = due_ns + PACKET_NS
        last = self._index == len(piece.packets) - 1
        if last or self._index == 0:
            self._on_sent(piece, self._sent_ns)
        self._index += 1
        if last:
            self._pieces.popleft()
            self._index = 0
