"""The speaker of a call: sends packets of speech when each is due, as a service does that plays by itself.

Between answers nothing is sent; timestamps go on with the clock, and the first packet after a pause
bears the marker (RFC 3551, 4.1), so a listener knows silence from loss.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.emulator.playout import PACKET_NS, FallSilent, SpeakPackets
from rtbench.engine.alarm import EARLY_NS, Alarm, AlarmClock


class PacketSink(Protocol):
    """Where packets go: `transports.webrtc.Peer`."""

    def send_packet(self, payload: bytes, *, timestamp: int, marker: bool = False) -> None: ...


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
        self._alarm: Alarm | None = None

    def speak(self, speech: SpeakPackets) -> None:
        """Send these after what there is to send already."""
        self._pieces.append(speech)
        if self._alarm is None:
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
            self.stop()

    def stop(self) -> None:
        """Send nothing any more."""
        self._pieces.clear()
        self._index = 0
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    @property
    def _due_ns(self) -> int:
        return self._pieces[0].at_ns + self._index * PACKET_NS

    def _ring(self, now: int) -> None:
        self._alarm = None
        while self._pieces and self._due_ns <= now + EARLY_NS:
            self._send_next()
        if self._pieces:
            self._alarm = self._alarms.call_at(self._due_ns, self._ring)

    def _send_next(self) -> None:
        piece, due_ns = self._pieces[0], self._due_ns
        timestamp = (due_ns - self._origin_ns) * self._clock_rate_hz // NS_PER_S
        marker = due_ns != self._spoken_until_ns
        self._sink.send_packet(piece.packets[self._index], timestamp=timestamp, marker=marker)
        self._sent_ns = monotonic_ns()
        self._spoken_until_ns = due_ns + PACKET_NS
        last = self._index == len(piece.packets) - 1
        if last or self._index == 0:
            self._on_sent(piece, self._sent_ns)
        self._index += 1
        if last:
            self._pieces.popleft()
            self._index = 0
