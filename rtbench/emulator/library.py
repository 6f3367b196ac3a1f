"""The library: the corpus as the emulator's recordings, read from disk once at its start."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rtbench.core.audio import AUDIO_FORMATS
from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.corpus.audio_file import FULL_SCALE, resample, to_int16
from rtbench.corpus.folder import Corpus
from rtbench.corpus.manifest import Role
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer
from rtbench.emulator.recording import Recording
from rtbench.emulator.session import Service
from rtbench.emulator.voice import Voice
from rtbench.emulator.words import spoken_spans

NS_PER_S = 1_000_000_000


def load_service(folder: Path, profile: Profile) -> Service:
    """A service that answers with a corpus's replies, and understands its other clips.

    Raises UsageError for a corpus that cannot be used, and for a reply of the profile that it lacks.
    """
    corpus = Corpus.open(folder)
    replies = profile.replies or corpus.names(Role.REPLY)
    if not replies:
        raise UsageError(f"{folder}: the corpus has no clip of role 'reply' for the emulator to answer with")
    spoken = [
        name for name in corpus.names() if corpus.entry(name).text and corpus.entry(name).role != Role.REPLY
    ]
    recalled = [name for fact in profile.recall for name in (fact.knows, fact.forgets)]
    voice = Voice(_recordings(corpus, dict.fromkeys((*replies, *recalled))), profile.chunk_ms)
    voice.prepare()
    return Service(profile, voice, Recognizer(_recordings(corpus, spoken)))


def _recordings(corpus: Corpus, names: Iterable[str]) -> list[Recording]:
    return [_recording(corpus, name) for name in names]


def _recording(corpus: Corpus, name: str) -> Recording:
    entry, samples = corpus.entry(name), corpus.samples(name)

    def ns(sample: int) -> int:
        return sample * NS_PER_S // corpus.rate_hz

    holds = [(ns(hold.start), ns(hold.end)) for hold in entry.holds]
    return Recording(
        name=name,
        text=entry.text,
        spans=spoken_spans((ns(entry.speech.start), ns(entry.speech.end)), holds),
        samples={
            fmt.rate_hz: _at_rate(samples, corpus.rate_hz, fmt.rate_hz) for fmt in AUDIO_FORMATS.values()
        },
    )


def _at_rate(samples: Samples, rate_hz: int, wanted_hz: int) -> Samples:
    if rate_hz == wanted_hz:
        return samples
    return to_int16(resample(samples.astype(np.float64) / FULL_SCALE, rate_hz, wanted_hz))
