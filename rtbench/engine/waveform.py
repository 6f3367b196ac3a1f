"""Envelopes of the agent's audio, kept for the pictures of the worst turns only.

A turn's rank among the slowest is known the moment its answer becomes audible, so its audio is held
beyond that only where the turn would be in the picture; nothing is decoded before the turn is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappush, heapreplace
from typing import Any

from rtbench.clock import NS_PER_MS
from rtbench.core import pcm
from rtbench.core.audio import Audio, AudioFormat
from rtbench.core.playout import Playback
from rtbench.core.turns import Turn

KEPT_TURNS = 5
WINDOW_MS = 10

HIGHEST_PEAK = 32_767
"""The column's 16 bits have a sign; the lowest sample, -32768, has none that fits."""


class SlowestTurns:
    """The latencies of the slowest turns so far, over all sessions of an engine."""

    def __init__(self, kept: int = KEPT_TURNS) -> None:
        self._kept = kept
        self._latencies_ns: list[int] = []

    def admit(self, latency_ns: int) -> bool:
        """Whether a turn of this latency is among the slowest; if so it takes its place."""
        if len(self._latencies_ns) < self._kept:
            heappush(self._latencies_ns, latency_ns)
            return True
        if latency_ns <= self._latencies_ns[0]:
            return False
        heapreplace(self._latencies_ns, latency_ns)
        return True

    def still_holds(self, latency_ns: int) -> bool:
        """Whether one that was admitted has not been put out since by slower ones."""
        return latency_ns >= self._latencies_ns[0]


@dataclass(slots=True)
class _Held:
    """What is held of one turn, until it is known to be none of the slowest."""

    audible_ns: int | None = None
    latency_ns: int = 0
    keeping: bool = True
    chunks: list[tuple[Playback, int, Audio]] = field(default_factory=list)


class WaveformKeeper:
    """One session's ear: holds the audio of the turns that were admitted among the slowest.

    More than one turn is held where the caller interrupts: the one before ends together with the next.
    """

    def __init__(self, slowest: SlowestTurns, fmt: AudioFormat) -> None:
        self._slowest = slowest
        self._format = fmt
        self._held: dict[int, _Held] = {}

    def hear(self, turn: Turn, playback: Playback | None, audio: Audio) -> None:
        """Audio of the turn's answer arrived, and is in the player."""
        if playback is None:
            return
        held = self._judge(turn)
        if held.keeping:
            media_ns = playback.received_ns - self._format.duration_ns(audio.size_bytes)
            held.chunks.append((playback, media_ns, audio))

    def keeps(self, turn: Turn) -> bool:
        """Whether what was heard of the turn so far is held for a picture, its place among the slowest being known."""
        held = self._held.get(turn.number)
        return held is not None and held.audible_ns is not None and self._wants(held)

    def take(self, turn: Turn) -> Callable[[], dict[str, Any]] | None:
        """What makes the `waveforms` row of a finished turn (without its session), None where nothing was kept.

        It decodes seconds of audio, and may be called in another thread.
        """
        held = self._judge(turn)
        del self._held[turn.number]
        if held.audible_ns is None or not self._wants(held):
            return None
        played = [
            (play_ns, audio)
            for playback, media_ns, audio in held.chunks
            if (play_ns := playback.play_ns(media_ns)) is not None
        ]
        if not played:
            return None
        return partial(self._row, turn.number, played)

    def _row(self, number: int, played: list[tuple[int, Audio]]) -> dict[str, Any]:
        start_ns = played[0][0]
        peaks: list[int] = []
        for play_ns, audio in played:
            window = (play_ns - start_ns) // (WINDOW_MS * NS_PER_MS)
            _lay(peaks, window, self._peaks_of(audio))
        return {"turn": number, "window_ms": float(WINDOW_MS), "start_ns": start_ns, "peaks": peaks}

    def _judge(self, turn: Turn) -> _Held:
        """Decide on a turn when its first sound has its instant; anew where the service took an answer back."""
        held = self._held.get(turn.number)
        if held is None or held.audible_ns not in (None, turn.audible_ns):
            held = self._held[turn.number] = _Held()
        if held.audible_ns is None and turn.audible_ns is not None:
            held.audible_ns = turn.audible_ns
            held.latency_ns = turn.audible_ns - turn.user_speech_end_ns
            held.keeping = self._slowest.admit(held.latency_ns)
            if not held.keeping:
                held.chunks.clear()
        return held

    def _wants(self, held: _Held) -> bool:
        """Where a run grows slower and slower, every turn is among the slowest for a moment."""
        if held.keeping and not self._slowest.still_holds(held.latency_ns):
            held.keeping = False
            held.chunks.clear()
        return held.keeping

    def _peaks_of(self, audio: Audio) -> list[int]:
        try:
            samples = pcm.decode(audio.data, self._format)
        except ValueError:  # no base64: the turn's own fold has counted what it met of that
            return []
        peaks = pcm.peaks(samples, self._format.rate_hz * WINDOW_MS // 1000)
        return [min(peak, HIGHEST_PEAK) for peak in peaks.tolist()]


def _lay(peaks: list[int], window: int, chunk: list[int]) -> None:
    """Put a chunk's peaks from a window on: silence before it where the player had none, the greater where they meet."""
    peaks += [0] * (window - len(peaks))
    end = window + len(chunk)
    shared = peaks[window:end]
    peaks[window:end] = [*map(max, shared, chunk), *chunk[len(shared) :]]
