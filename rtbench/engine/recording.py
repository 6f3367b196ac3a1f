"""What caller and agent said in the last turns of a session, on one clock, for pictures and recordings of the worst.

Audio is held by reference, undecoded, for a few turns; it is rendered only for the few that are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rtbench.clock import NS_PER_S
from rtbench.core import pcm
from rtbench.core.audio import Audio, AudioFormat
from rtbench.core.microphone import PlayClip
from rtbench.core.packet_listener import BRIDGED_MS
from rtbench.core.pcm import Samples
from rtbench.core.playout import Playback
from rtbench.core.script import Clip

HELD_TURNS = 4
"""A stimulus is judged when the turn is over that it began; a caller interrupts two answers in a row at most, or three."""

LONGEST_NS = 60 * NS_PER_S
"""Of one recording; a longer one is cut at its end."""

ClipSamples = Callable[[Clip, int], Samples]
"""A clip's samples at a rate in Hz."""


class _Chunk(NamedTuple):
    playback: Playback
    media_ns: int
    audio: Audio


class Recording:
    """The last turns of one session: what the caller's microphone took, and what the agent's player played."""

    def __init__(self, fmt: AudioFormat, clip_samples: ClipSamples) -> None:
        """Both channels are rendered at the rate of `fmt`, the agent's format."""
        self._format = fmt
        self._clip_samples = clip_samples
        self._clips: deque[PlayClip] = deque(maxlen=16)
        self._chunks: deque[list[_Chunk]] = deque([[]], maxlen=HELD_TURNS)
        self._turn = 0

    @property
    def rate_hz(self) -> int:
        return self._format.rate_hz

    def caller_plays(self, clip: PlayClip) -> None:
        """A clip goes into the microphone."""
        self._clips.append(clip)

    def agent_says(self, turn: int, playback: Playback, audio: Audio) -> None:
        """Audio arrived in this turn, and is in the player."""
        if turn != self._turn:
            self._turn = turn
            self._chunks.append([])
        media_ns = playback.received_ns - self._format.duration_ns(audio.size_bytes)
        self._chunks[-1].append(_Chunk(playback, media_ns, audio))

    def snapshot(self) -> Recording:
        """What is held now, for another thread to work on while this goes on."""
        held = Recording(self._format, self._clip_samples)
        held._clips = self._clips.copy()
        held._chunks = deque(list(turn) for turn in self._chunks)
        return held

    def caller(self, start_ns: int, end_ns: int) -> Samples:
        """The caller's channel from one instant to another, without the room."""
        track = self._silence(start_ns, end_ns)
        for played in self._clips:
            gain = 10 ** (played.gain_db / 20)
            samples = np.clip(self._clip_samples(played.clip, self.rate_hz) * gain, -32768, 32767)
            self._lay(track, samples.astype(np.int16), played.at_ns - start_ns)
        return track

    def agent(self, start_ns: int, end_ns: int) -> Samples:
        """The agent's channel as it was heard: what was flushed is not in it, and underruns are gaps.

        What was lost is made up as a player does (see `core.packet_listener`).
        """
        track = self._silence(start_ns, end_ns)
        before: _Chunk | None = None
        for chunk in (chunk for turn in self._chunks for chunk in turn):
            if before is not None and before.playback is chunk.playback:
                self._bridge(track, before, chunk, start_ns, end_ns)
            before = chunk
            duration_ns = self._format.duration_ns(chunk.audio.size_bytes)
            pieces = chunk.playback.pieces(chunk.media_ns, chunk.media_ns + duration_ns)
            if not pieces or pieces[0][1] <= start_ns or pieces[0][0] >= end_ns:
                continue
            heard = self._samples(pieces[-1][1] - pieces[0][0])
            self._lay(track, self._decode(chunk.audio)[:heard], pieces[0][0] - start_ns)
        return track

    def _bridge(self, track: Samples, before: _Chunk, chunk: _Chunk, start_ns: int, end_ns: int) -> None:
        """Fill the hole between two pieces of one reply, if there is one, with what was before it."""
        hole_ns = before.media_ns + self._format.duration_ns(before.audio.size_bytes)
        if chunk.media_ns <= hole_ns:
            return
        for heard_ns, heard_until_ns in chunk.playback.pieces(hole_ns, chunk.media_ns):
            if heard_until_ns <= start_ns or heard_ns >= end_ns:
                continue
            missing = self._samples(heard_until_ns - heard_ns)
            made_up = pcm.repeated(self._decode(before.audio), missing, self.rate_hz * BRIDGED_MS // 1000)
            self._lay(track, made_up, heard_ns - start_ns)

    def row(self, session: str, turn: int, stimulus: int, start_ns: int, end_ns: int) -> dict[str, Any]:
        """A row of `results.schema.RECORDINGS`."""
        end_ns = min(end_ns, start_ns + LONGEST_NS)
        return {
            "session": session,
            "turn": turn,
            "stimulus": stimulus,
            "rate_hz": self.rate_hz,
            "start_ns": start_ns,
            "caller": self.caller(start_ns, end_ns).tobytes(),
            "agent": self.agent(start_ns, end_ns).tobytes(),
        }

    def _samples(self, duration_ns: int) -> int:
        return round(duration_ns * self.rate_hz / NS_PER_S)

    def _silence(self, start_ns: int, end_ns: int) -> Samples:
        return np.zeros(max(0, self._samples(end_ns - start_ns)), dtype=np.int16)

    def _lay(self, track: Samples, samples: Samples, offset_ns: int) -> None:
        """Put samples at their place, as far as the track reaches."""
        at = self._samples(offset_ns)
        samples = samples[max(0, -at) :]
        at = max(0, at)
        room = max(0, len(track) - at)
        track[at : at + len(samples)] = samples[:room]

    def _decode(self, audio: Audio) -> Samples:
        try:
            return pcm.decode(audio.data, self._format)
        except ValueError:  # no base64: counted where it arrived
            return pcm.EMPTY
