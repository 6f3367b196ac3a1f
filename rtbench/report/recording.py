"""A recording of the worst turns and interruptions: caller and agent on one clock, to be listened to."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rtbench.core.pcm import Samples
from rtbench.report.figures.lanes import Envelope

WINDOW_MS = 10.0
FULL_SCALE = 32_768.0


@dataclass(frozen=True, slots=True)
class Recording:
    """Both voices from one instant on, PCM16 at one rate, shape (samples,) each."""

    start_ns: int
    rate_hz: int
    caller: Samples
    agent: Samples

    def write_wav(self, path: Path) -> None:
        """Write a stereo WAV, caller left and agent right; the shorter voice is followed by silence."""
        stereo = np.zeros((max(len(self.caller), len(self.agent)), 2), dtype="<i2")
        stereo[: len(self.caller), 0] = self.caller
        stereo[: len(self.agent), 1] = self.agent
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(self.rate_hz)
            file.writeframes(stereo.tobytes())

    def caller_envelope(self) -> Envelope:
        return Envelope(self.start_ns, WINDOW_MS, peaks(self.caller, self.rate_hz))

    def agent_envelope(self) -> Envelope:
        return Envelope(self.start_ns, WINDOW_MS, peaks(self.agent, self.rate_hz))


def find_recording(recordings: pd.DataFrame, session: str, turn: int, stimulus: int) -> Recording | None:
    """The recording of a turn (`stimulus` 0) or of a stimulus, None where none was kept."""
    kept = recordings[(recordings["session"] == session) & (recordings["stimulus"] == stimulus)]
    if not stimulus:
        kept = kept[kept["turn"] == turn]
    if kept.empty:
        return None
    row = kept.iloc[-1]
    return Recording(
        int(row["start_ns"]), int(row["rate_hz"]), _samples(row["caller"]), _samples(row["agent"])
    )


def peaks(samples: Samples, rate_hz: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The envelope of a voice, from 0 to 1, a peak for each whole window of WINDOW_MS."""
    window = round(rate_hz * WINDOW_MS / 1000)
    whole = samples[: len(samples) // window * window].reshape(-1, window)
    highest: np.ndarray[tuple[int], np.dtype[np.float64]] = np.abs(whole.astype(np.float64)).max(axis=1)
    return highest / FULL_SCALE


def _samples(audio: Any) -> Samples:
    """PCM16 as it was kept; half a sample at the end, or no audio at all, is left out."""
    written = bytes(audio or b"")
    return np.frombuffer(written[: len(written) // 2 * 2], dtype="<i2")
