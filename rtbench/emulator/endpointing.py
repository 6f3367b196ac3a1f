"""Endpointing: how much silence ends the user's turn.

`server_vad` takes the session's silence. `semantic_vad` judges what was said once a pause has lasted
for PAUSE_MS. Where all of a known utterance has been said the turn is over after END_MS of silence;
where the user breaks off inside one, they are waited for as long as their session's eagerness allows;
where the words are not known, a shorter silence by eagerness decides.
"""

from __future__ import annotations

import random

from rtbench.core.pcm import Samples
from rtbench.emulator.completeness import Completeness
from rtbench.emulator.faults import PREMATURE_CUTOFF, Faults
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.settings import TurnDetection

PAUSE_MS = 100
"""The shortest pause that a corpus labels as a hold."""

END_MS = 200
"""As long as a pause between two words may be: the least that leaves a turn room to go on."""

_OPPOSITE = {Completeness.PART: Completeness.WHOLE, Completeness.WHOLE: Completeness.PART}


class Endpointing:
    """One session's judgement of pauses; `error_rate` of them, drawn from `rng`, are misjudged by `semantic_vad`."""

    def __init__(
        self,
        recognizer: Recognizer,
        faults: Faults,
        error_rate: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._faults = faults
        self._error_rate = error_rate
        self._rng = rng or random.Random(0)

    def judges(self, detection: TurnDetection) -> bool:
        """Whether pauses are to be judged at all, rather than measured."""
        return detection.longest_wait_ms is not None or PREMATURE_CUTOFF in self._faults

    def silence_ms(self, heard: Samples, rate_hz: int, detection: TurnDetection) -> float:
        """Silence that ends the turn in the pause at the end of `heard`, which is all of the turn so far."""
        said = self._recognizer.completeness(heard, rate_hz)
        if said is Completeness.PART and self._faults.strikes(PREMATURE_CUTOFF):
            self._faults.note(PREMATURE_CUTOFF)
            return PAUSE_MS
        if detection.longest_wait_ms is None or said is Completeness.UNKNOWN:
            return detection.silence_ms
        if self._rng.random() < self._error_rate:
            said = _OPPOSITE[said]
        return END_MS if said is Completeness.WHOLE else detection.longest_wait_ms
