"""Input transcription: the user's words, told some time after each commit, apart from any response."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rtbench.core import pcm
from rtbench.core.audio import Audio, AudioFormat
from rtbench.core.server_events import (
    InputTranscriptionCompleted,
    InputTranscriptionDelta,
    InputTranscriptionFailed,
)
from rtbench.emulator.conversation_items import Item
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.usage import transcription_usage

_UNINTELLIGIBLE = {
    "type": "transcription_error",
    "code": "audio_unintelligible",
    "message": "The audio could not be transcribed.",
    "param": None,
}
"""The API reference's own example of a failed transcription: the answer to speech that is not of the corpus."""


@dataclass(frozen=True, slots=True)
class _Job:
    due_ns: int
    item: Item
    audio: Audio
    fmt: AudioFormat
    model: str


class Transcription:
    """Transcriptions under way. With `whisper-1` a turn's words come in one delta, with other models word by word."""

    def __init__(self, outbox: Outbox, recognizer: Recognizer, profile: Profile, rng: random.Random) -> None:
        self._outbox = outbox
        self._recognizer = recognizer
        self._profile = profile
        self._rng = rng
        self._jobs: list[_Job] = []

    def begin(self, item: Item, audio: Audio, fmt: AudioFormat, model: str, now: int) -> None:
        """Transcribe a committed turn."""
        delay_ns = round(self._profile.delay_ms("transcription_delay", self._rng) * 1_000_000)
        self._jobs.append(_Job(now + delay_ns, item, audio, fmt, model))

    def next_wake(self) -> int | None:
        return min((job.due_ns for job in self._jobs), default=None)

    def wake(self, now: int) -> None:
        """Tell what is due."""
        if not self._jobs:
            return
        due = sorted((job for job in self._jobs if job.due_ns <= now), key=lambda job: job.due_ns)
        self._jobs = [job for job in self._jobs if job.due_ns > now]
        for job in due:
            self._tell(job)

    def _tell(self, job: _Job) -> None:
        text = self._recognizer.recognize(pcm.decode(job.audio.data, job.fmt), job.fmt.rate_hz)
        item_id = job.item.id
        if text is None:
            failed = InputTranscriptionFailed(item_id=item_id, content_index=0, error=_UNINTELLIGIBLE)
            self._outbox.put(job.due_ns, failed)
            return
        job.item.json = {**job.item.json, "content": [{"type": "input_audio", "transcript": text}]}
        words = text.split()
        deltas = [text] if job.model == "whisper-1" else [words[0], *(f" {word}" for word in words[1:])]
        usage = transcription_usage(job.model, job.item.audio_ms, text)
        self._outbox.put(
            job.due_ns,
            *(InputTranscriptionDelta(item_id=item_id, content_index=0, delta=delta) for delta in deltas),
            InputTranscriptionCompleted(item_id=item_id, content_index=0, transcript=text, usage=usage),
        )
