"""Envelopes of the agent's audio, kept for the pictures of the worst turns only.

A turn's rank among the slowest is known the moment its answer becomes audible, so its audio is held
from there on only where the turn would be in the picture; all others cost one comparison.
"""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import Any

from rtbench.core import pcm
from rtbench.core.audio import Audio, AudioFormat
from rtbench.core.playout import Playback
from rtbench.core.turns import Turn

KEPT_TURNS = 5
WINDOW_MS = 10


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


class WaveformKeeper:
    """One session's ear: holds the audio of a turn that was admitted among the slowest."""

    def __init__(self, slowest: SlowestTurns, fmt: AudioFormat) -> None:
        self._slowest = slowest
        self._format = fmt
        self._judged_turn = 0
        self._keeping = False
        self._chunks: list[tuple[Playback, int, Audio]] = []

    def hear(self, turn: Turn, playback: Playback | None, audio: Audio) -> None:
        """Audio of the turn's answer arrived, and is in the player."""
        if playback is None or turn.audible_ns is None:
            return
        if self._judged_turn != turn.number:
            self._judged_turn = turn.number
            self._chunks = []
            self._keeping = self._slowest.admit(turn.audible_ns - turn.user_speech_end_ns)
        if self._keeping:
            media_ns = playback.received_ns - self._format.duration_ns(audio.size_bytes)
            self._chunks.append((playback, media_ns, audio))

    def take(self, turn: Turn) -> dict[str, Any] | None:
        """The `waveforms` row of a finished turn (without its session), None where nothing was kept."""
        chunks, self._chunks = self._chunks, []
        if not chunks or self._judged_turn != turn.number:
            return None
        played = [
            (play_ns, audio)
            for playback, media_ns, audio in chunks
            if (play_ns := playback.play_ns(media_ns)) is not None
        ]
        if not played:
            return None
        start_ns = played[0][0]
        width = self._format.rate_hz * WINDOW_MS // 1000
        peaks: list[int] = []
        for play_ns, audio in played:
            gap = round((play_ns - start_ns) / (WINDOW_MS * 1_000_000)) - len(peaks)
            peaks += [0] * gap
            peaks += pcm.peaks(pcm.decode(audio.data, self._format), width).tolist()
        return {"turn": turn.number, "window_ms": float(WINDOW_MS), "start_ns": start_ns, "peaks": peaks}
