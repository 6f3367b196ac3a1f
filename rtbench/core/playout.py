"""The virtual player: plays received agent audio in real time, as a client's sound card would.

Nothing is simulated frame by frame. A playback (one response's audio) is a list of runs, each
playing without a gap from a media position on; prebuffer and underruns are the gaps between them.
Media positions and durations are nanoseconds of audio, instants nanoseconds on the caller's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Run(NamedTuple):
    """Uninterrupted playing: the sample at `media_ns` leaves the player at `play_ns`, the rest follows."""

    media_ns: int
    play_ns: int


class Wait(NamedTuple):
    """Time for which the player held the sample at `media_ns` (and all after it) back."""

    media_ns: int
    duration_ns: int


@dataclass(slots=True)
class Playback:
    """One response's audio in the player: what arrived, and when it plays."""

    first_arrival_ns: int
    last_arrival_ns: int
    received_ns: int = 0
    """Media received so far."""

    chunks: int = 0
    chunk_gap_max_ns: int = 0
    min_prebuffer_ns: int = 0
    """The smallest delay before the first sample that would have spared every underrun so far."""

    finished: bool = False
    """All audio is there, as far as is known."""

    flushed_at_ns: int | None = None
    """When it fell silent, the rest having been thrown away."""

    runs: list[Run] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    underruns_ns: list[int] = field(default_factory=list)
    """Durations of the gaps within the answer."""

    buffering: bool = True
    """Holding audio back, before the first run or since the player ran dry."""

    dry_since_ns: int = 0
    _flushed_media_ns: int = 0

    def end_ns(self) -> int | None:
        """When the last playable sample has left; None while audio is held back in the buffer."""
        if self.flushed_at_ns is not None:
            return self.flushed_at_ns
        if self.buffering:
            return None
        run = self.runs[-1]
        return run.play_ns + self.received_ns - run.media_ns

    def play_ns(self, media_ns: int) -> int | None:
        """When the sample at this media position leaves the player; None while that is open, or if it was flushed."""
        if self.flushed_at_ns is not None and media_ns >= self._flushed_media_ns:
            return None
        if media_ns >= self._playable_ns():
            return None
        run = next(run for run in reversed(self.runs) if run.media_ns <= media_ns)
        return run.play_ns + media_ns - run.media_ns

    def expected_play_ns(self, media_ns: int) -> int | None:
        """When a sample will leave the player, though it may not have come yet; None where that cannot be told."""
        return self.play_ns(media_ns)

    def wait_ns(self, media_ns: int) -> int:
        """Time by which the sample at this position was held back, as counted when it happened."""
        return sum(wait.duration_ns for wait in self.waits if wait.media_ns <= media_ns)

    def heard_ns(self, now: int) -> int:
        """Media that has left the player by `now`."""
        if self.flushed_at_ns is not None and now >= self.flushed_at_ns:
            return self._flushed_media_ns
        if not self.runs:
            return 0
        heard_ns = 0
        limits = [run.media_ns for run in self.runs[1:]] + [self._playable_ns()]
        for run, limit_ns in zip(self.runs, limits, strict=True):
            if run.play_ns < now:
                heard_ns = min(limit_ns, run.media_ns + now - run.play_ns)
        return heard_ns

    def pieces(self, start_media_ns: int, end_media_ns: int) -> list[tuple[int, int]]:
        """When the audio between two media positions is or will be heard: stretches from one instant to another."""
        limit_ns = self._playable_ns() if self.flushed_at_ns is None else self._flushed_media_ns
        ends = [run.media_ns for run in self.runs[1:]] + [limit_ns]
        found = []
        for run, run_end_ns in zip(self.runs, ends, strict=True) if self.runs else ():
            low_ns = max(start_media_ns, run.media_ns)
            high_ns = min(end_media_ns, run_end_ns, limit_ns)
            if low_ns < high_ns:
                found.append((run.play_ns + low_ns - run.media_ns, run.play_ns + high_ns - run.media_ns))
        return found

    def receive(self, duration_ns: int, now: int) -> None:
        """More audio arrived."""
        if self.chunks:
            self.chunk_gap_max_ns = max(self.chunk_gap_max_ns, now - self.last_arrival_ns)
            self.min_prebuffer_ns = max(self.min_prebuffer_ns, now - self.first_arrival_ns - self.received_ns)
            end_ns = self.end_ns()
            if self.flushed_at_ns is None and end_ns is not None and end_ns < now:
                self.buffering = True
                self.dry_since_ns = end_ns
        self.chunks += 1
        self.finished = False  # one part's audio was complete, and the next part's begins
        self.received_ns += duration_ns
        self.last_arrival_ns = now

    def start_if_ready(self, prebuffer_ns: int, free_ns: int, now: int) -> None:
        """Begin a run, not before `free_ns`, where enough audio is held back or no more will come."""
        if not self.buffering or self.flushed_at_ns is not None:
            return
        position_ns = self._playable_ns()
        held_ns = self.received_ns - position_ns
        if held_ns == 0 or (held_ns < prebuffer_ns and not self.finished):
            return
        play_ns = max(now, free_ns)
        if self.runs:
            gap_ns = play_ns - self.dry_since_ns
            self.underruns_ns.append(gap_ns)
        else:
            gap_ns = play_ns - self.first_arrival_ns
        if gap_ns:
            self.waits.append(Wait(position_ns, gap_ns))
        self.runs.append(Run(position_ns, play_ns))
        self.buffering = False

    def flush(self, now: int) -> None:
        """Throw away what has not left the player, and what is yet to come."""
        end_ns = self.end_ns()
        if end_ns is None:
            end_ns = self.dry_since_ns if self.runs else now
        self._flushed_media_ns = self.heard_ns(now)
        self.flushed_at_ns = min(now, end_ns)

    def _playable_ns(self) -> int:
        """Media position up to which every sample has an instant."""
        if not self.buffering:
            return self.received_ns
        if not self.runs:
            return 0
        run = self.runs[-1]
        return run.media_ns + self.dry_since_ns - run.play_ns


class Player:
    """Plays one response after the other, in order of arrival.

    It starts, and after an underrun resumes, once `prebuffer_ns` of audio is there or the response's
    audio is complete.
    """

    def __init__(self, prebuffer_ns: int = 0) -> None:
        self._prebuffer_ns = prebuffer_ns
        self._playbacks: dict[str, Playback] = {}
        self._free_ns = 0

    def playback(self, response_id: str) -> Playback | None:
        """The playback of a response, None where none of its audio has arrived."""
        return self._playbacks.get(response_id)

    def add(self, response_id: str, duration_ns: int, now: int) -> Playback:
        """Audio of a response arrived; what arrives after a flush of it is received, and not played."""
        playback = self._playbacks.get(response_id)
        if playback is None:
            self._free_ns = max(self._free_ns, self.busy_until_ns())
            playback = self._playbacks[response_id] = Playback(first_arrival_ns=now, last_arrival_ns=now)
        playback.receive(duration_ns, now)
        playback.start_if_ready(self._prebuffer_ns, self._free_ns, now)
        return playback

    def finish(self, response_id: str, now: int) -> None:
        """A part of this response's audio is complete; what is held back for the prebuffer plays now."""
        playback = self._playbacks.get(response_id)
        if playback is not None and not playback.finished:
            playback.finished = True
            playback.start_if_ready(self._prebuffer_ns, self._free_ns, now)

    def flush(self, now: int) -> None:
        """Throw away everything that has not left the player."""
        for playback in self._playbacks.values():
            playback.flush(now)
        self._free_ns = now

    def forget(self, response_id: str) -> None:
        """Drop a playback that nobody will ask for again."""
        self._free_ns = max(self._free_ns, self.busy_until_ns())
        self._playbacks.pop(response_id, None)

    def busy_until_ns(self) -> int:
        """When the last sample that has an instant leaves the player; 0 where nothing was ever played."""
        return max((p.end_ns() or p.last_arrival_ns for p in self._playbacks.values()), default=0)
