"""The virtual player of audio that comes in real time: a jitter buffer of fixed depth, for RTP.

The first packet of a reply plays `depth` after it arrived, every other one where its timestamp puts
it. A packet that is not there when it is to be played leaves a hole, which is concealed: the player
does not wait for it, and throws it away when it comes. Only a stall stops the player: where the stream
is more than `STALL_NS` too late, or has been too late for so long, it plays on from the packet at hand
with its full depth, and the stop counts as an underrun.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtbench.core.playout import Playback, Player, Run, Wait

STALL_NS = 100_000_000
"""Concealment fades out by then (60 ms in G.711 Appendix I): it can be heard that the agent stopped."""


@dataclass(slots=True)
class StreamPlayback(Playback):
    """One reply's audio in the jitter buffer. Its media positions count from its first packet's timestamp."""

    concealed_ns: int = 0
    """Of what was to be played so far, what was not there."""

    late_packets: int = 0
    flows: bool = True
    """More of it is expected, in real time."""

    _late_since_ns: int | None = None
    """Media position from which on nothing was in time."""

    def expected_play_ns(self, media_ns: int) -> int | None:
        """When a sample will leave the player that may not have come yet, if the stream goes on as it does."""
        is_flowing = self.flows and self.flushed_at_ns is None
        if is_flowing and media_ns >= self.runs[-1].media_ns:
            return self._due_ns(media_ns)
        return self.play_ns(media_ns)

    def place(self, media_ns: int, duration_ns: int, depth_ns: int, now: int) -> bool:
        """A packet came; whether it will be played."""
        self._note_arrival(media_ns, now)
        end_ns = media_ns + duration_ns
        is_newest = end_ns > self.received_ns
        if self.flushed_at_ns is not None:
            self.received_ns = max(self.received_ns, end_ns)
            return False
        late_ns = now - self._due_ns(media_ns)
        if is_newest:
            if self._is_stalled(media_ns, late_ns):
                self._resume(media_ns, now + depth_ns)
                late_ns = -depth_ns
            self.concealed_ns += max(0, media_ns - self.received_ns)
            self.received_ns = end_ns
        if late_ns > 0 or media_ns < self.runs[-1].media_ns:
            self.late_packets += 1
            self.concealed_ns += duration_ns if is_newest else 0
            return False
        self._late_since_ns = None
        if not is_newest:
            self.concealed_ns -= duration_ns
        return True

    def _is_stalled(self, media_ns: int, late_ns: int) -> bool:
        """Whether the newest packet shows that the stream as a whole is late, and not this packet alone."""
        if late_ns <= 0:
            return False
        if self._late_since_ns is None:
            self._late_since_ns = media_ns
        return late_ns > STALL_NS or media_ns - self._late_since_ns >= STALL_NS

    def _due_ns(self, media_ns: int) -> int:
        run = self.runs[-1]
        return run.play_ns + media_ns - run.media_ns

    def _note_arrival(self, media_ns: int, now: int) -> None:
        if self.chunks:
            self.chunk_gap_max_ns = max(self.chunk_gap_max_ns, now - self.last_arrival_ns)
            self.min_prebuffer_ns = max(self.min_prebuffer_ns, now - self.first_arrival_ns - media_ns)
        self.chunks += 1
        self.last_arrival_ns = max(self.last_arrival_ns, now)

    def _resume(self, media_ns: int, play_ns: int) -> None:
        """Play on after a stall; what lies between the last sample and this one was not there."""
        gap_ns = play_ns - self._due_ns(media_ns)
        self._late_since_ns = None
        self.underruns_ns.append(gap_ns)
        self.waits.append(Wait(media_ns, gap_ns))
        self.runs.append(Run(media_ns, play_ns))


class JitterBuffer(Player):
    """Plays one reply after the other, in order of arrival; `prebuffer_ns` is its depth."""

    def begin(self, response_id: str, now: int) -> StreamPlayback:
        """The first packet of a reply arrived; `place` it next."""
        self._free_ns = max(self._free_ns, self.busy_until_ns())
        playback = StreamPlayback(first_arrival_ns=now, last_arrival_ns=now, buffering=False)
        play_ns = max(now + self._prebuffer_ns, self._free_ns)
        playback.waits.append(Wait(0, play_ns - now))
        playback.runs.append(Run(0, play_ns))
        self._playbacks[response_id] = playback
        return playback

    @property
    def depth_ns(self) -> int:
        return self._prebuffer_ns

    def finish(self, response_id: str, now: int) -> None:
        """No more of this reply is to come."""
        playback = self._playbacks.get(response_id)
        if isinstance(playback, StreamPlayback):
            playback.finished, playback.flows = True, False
