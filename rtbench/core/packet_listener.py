"""Listens to one reply's packets in the order of their media, as a player does; what is missing is made up.

Nothing is decoded that nobody needs. A missing packet is waited for until it is to be played, since
it may only have been overtaken; then the last sound is repeated in its place, and fades into silence.
"""

from __future__ import annotations

from rtbench.core import pcm
from rtbench.core.agent_voice import Ear, Reply
from rtbench.core.codec import PacketDecoder
from rtbench.core.pcm import Samples
from rtbench.core.rtp import Media, payload_ticks

BRIDGED_MS = 60
"""How far a gap is filled with what was before it (as in G.711 Appendix I); beyond that there is silence."""


class PacketListener:
    """Feeds the ear of one reply. Ticks count from its first packet, on the RTP clock."""

    def __init__(self, ear: Ear, media: Media, reply: Reply) -> None:
        self._ear = ear
        self._media = media
        self._reply = reply
        self._decoder: PacketDecoder | None = None
        self._next_ticks = 0
        self._waiting: dict[int, bytes] = {}
        self._last: Samples = pcm.EMPTY

    def take(self, ticks: int, payload: bytes, now: int) -> None:
        """A packet that will be played."""
        if not self._ear.listens:
            self._waiting.clear()
        elif ticks >= self._next_ticks:
            self._waiting[ticks] = payload
            self._listen(now)

    def finish(self) -> None:
        """Nothing more is to come."""
        self._listen(None)
        self._ear.finish(self._reply)

    def _listen(self, now: int | None) -> None:
        """Listen to what is there in order; a gap is passed over when its time has come, or nothing is waited for."""
        while self._waiting and self._ear.listens:
            payload = self._waiting.pop(self._next_ticks, None)
            if payload is not None:
                self._hear(self._decoded(payload), payload_ticks(self._media.codec, payload))
                continue
            if now is not None and not self._is_due(now):
                return
            self._bridge(min(self._waiting) - self._next_ticks)

    def _is_due(self, now: int) -> bool:
        play_ns = self._reply.playback.play_ns(self._media.codec.ticks_ns(self._next_ticks))
        return play_ns is None or play_ns <= now

    def _bridge(self, ticks: int) -> None:
        if self._decoder is not None:
            self._decoder.gap()
        self._hear(self._made_up(ticks), ticks)

    def _decoded(self, payload: bytes) -> Samples:
        if self._decoder is None:
            self._decoder = self._media.new_decoder()
        try:
            self._last = self._decoder.decode(payload)
        except ValueError:  # not of this codec: as good as lost
            return self._made_up(payload_ticks(self._media.codec, payload))
        return self._last

    def _made_up(self, ticks: int) -> Samples:
        rate_hz = self._media.codec.rate_hz
        missing = ticks * rate_hz // self._media.codec.clock_rate_hz
        return pcm.repeated(self._last, missing, rate_hz * BRIDGED_MS // 1000)

    def _hear(self, samples: Samples, ticks: int) -> None:
        self._next_ticks += ticks
        self._ear.hear(samples, self._reply)
