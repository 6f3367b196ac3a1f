"""What an engine plays: the scenario, its corpus already encoded, and the target, ready for any number of calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rtbench.core.audio import Audio
from rtbench.core.pcm import Samples
from rtbench.core.script import Clip, Script
from rtbench.corpus.audio_file import FULL_SCALE, resample, to_int16
from rtbench.corpus.frames import FrameCache
from rtbench.dialects.dialect import Dialect
from rtbench.dialects.registry import DIALECTS
from rtbench.engine.target import Target
from rtbench.scenario.clips import check_clips, open_corpus, script_sounds
from rtbench.scenario.compile import compile_script
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario


class Plan:
    """A scenario with everything that its calls share. Raises UsageError where scenario or corpus are not usable."""

    def __init__(self, scenario_path: Path, target: Target) -> None:
        self.target = target
        self.scenario: Scenario = load_scenario(scenario_path)
        self.dialect: Dialect = DIALECTS[target.dialect]
        self.corpus = open_corpus(self.scenario)
        check_clips(self.scenario, self.corpus)
        self._frames = FrameCache(self.corpus)
        session = compile_script(self.scenario, self.corpus, seed=0).session
        self._format = session.input_format
        self._encode = self.dialect.append_message

    @property
    def frame_ns(self) -> int:
        """Length of the frames that the microphone sends."""
        return self.scenario.frame.ns

    def encode_clips(self) -> None:
        """Read and encode every clip that a call may play, so that no call waits for it."""
        for name, gain_db in sorted(script_sounds(self.scenario, self.corpus)):
            self._messages(name, gain_db)
        self.silence()

    def script(self, seed: int) -> Script:
        """One conversation, everything in it drawn from the seed."""
        return compile_script(self.scenario, self.corpus, seed)

    def messages(self, clip: Clip, gain_db: float = 0.0) -> Sequence[bytes]:
        """A clip's append messages, one a frame."""
        return self._messages(clip.name, gain_db)

    def samples(self, clip: Clip, rate_hz: int) -> Samples:
        """A clip's samples at a rate, shape (samples,)."""
        samples = self.corpus.samples(clip.name)
        if rate_hz == self.corpus.rate_hz:
            return samples
        return to_int16(resample(samples / FULL_SCALE, self.corpus.rate_hz, rate_hz))

    def silence(self) -> Sequence[bytes]:
        """Append messages of room tone, to be repeated."""
        return self._frames.silence_messages(self._format, self.scenario.frame_ms, self._encode)

    def append_message(self, audio: Audio) -> bytes:
        """One frame as the dialect's message."""
        return self._encode(audio)

    def _messages(self, name: str, gain_db: float = 0.0) -> Sequence[bytes]:
        return self._frames.messages(
            name, self._format, self.scenario.frame_ms, self._encode, gain_db=gain_db
        )
