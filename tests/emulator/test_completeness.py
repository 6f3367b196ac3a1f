from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMU
from rtbench.core.vad import EnergyVad, SpeechEnd
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.corpus.frames import FrameCache
from rtbench.corpus.manifest import Role
from rtbench.emulator.completeness import Completeness, KnownUtterances
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer

PART, WHOLE, UNKNOWN = Completeness.PART, Completeness.WHOLE, Completeness.UNKNOWN

SPOKEN = (Role.QUESTION, Role.STATEMENT, Role.LONG_STORY, Role.INTERRUPTION, Role.YES_NO, Role.BACKCHANNEL)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="module")
def recognizer(corpus) -> Recognizer:
    return load_service(corpus.folder, Profile()).recognizer


@pytest.fixture
def known(make_recording) -> KnownUtterances:
    """One utterance: 100 ms of silence, 500 of sound, a hold of 300, 400 of sound, and 200 of silence."""
    return KnownUtterances([make_recording("address", "my address is here", 100, 500, 300, 400, 200)], 24_000)


@pytest.fixture
def said(make_recording):
    """The samples of sounds and pauses in turn, beginning with a sound, after 200 ms of silence."""

    def say(*parts_ms: int):
        return make_recording("said", "", 200, *parts_ms).samples[24_000]

    return say


def test_what_breaks_off_at_a_hold_is_a_part(known, said):
    assert known.completeness(said(500, 100)) is PART


def test_what_goes_to_the_end_is_whole(known, said):
    assert known.completeness(said(500, 300, 400, 100)) is WHOLE


def test_what_begins_after_a_hold_is_known_too(known, said):
    assert known.completeness(said(400, 100)) is WHOLE


def test_what_is_of_no_recording_is_unknown(known, said):
    assert known.completeness(said(700, 100)) is UNKNOWN
    assert known.completeness(said(500, 100, 400, 100)) is UNKNOWN
    assert known.completeness(said(500, 300, 900, 100)) is UNKNOWN


def test_silence_is_unknown(known):
    assert known.completeness(np.zeros(24_000, np.int16)) is UNKNOWN


def test_nothing_is_known_without_recordings(said):
    assert KnownUtterances([], 24_000).completeness(said(500, 100)) is UNKNOWN


def test_a_soft_voice_is_known_as_well(known, said):
    assert known.completeness((said(500, 100) * 0.1).astype(np.int16)) is PART
    assert known.completeness((said(500, 300, 400, 100) * 0.1).astype(np.int16)) is WHOLE


def judgements(corpus: Corpus, recognizer: Recognizer, fmt, shift: int) -> tuple[Counter[str], Counter[str]]:
    """Of all the pauses of 100 ms in the corpus: those inside a clip, and those at its end."""
    rate, holds, ends = fmt.rate_hz, Counter(), Counter()
    cache = FrameCache(corpus)
    for name in (name for role in SPOKEN for name in corpus.names(role)):
        samples = pcm.decode(b"".join(frame.data for frame in cache.frames(name, fmt, 40)), fmt)
        lead, tail = np.zeros(rate // 4 + shift, np.int16), np.zeros(rate // 2, np.int16)
        heard = np.concatenate([lead, samples, tail])
        decided = [
            edge.decided_sample
            for edge in EnergyVad(rate, silence_ms=100).feed(heard)
            if isinstance(edge, SpeechEnd)
        ]
        holds.update(recognizer.completeness(heard[:end], rate).value for end in decided[:-1])
        ends.update([recognizer.completeness(heard[: decided[-1]], rate).value])
    return holds, ends


@pytest.mark.parametrize(("fmt", "shift"), [(PCM16, 0), (PCM16, 96), (PCMU, 37)])
def test_pauses_of_the_corpus_are_told_from_its_ends(corpus, recognizer, fmt, shift):
    holds, ends = judgements(corpus, recognizer, fmt, shift)
    assert sum(holds.values()) > 60 and sum(ends.values()) > 40
    # Two clips of one voice begin with the same word: which of them is meant is a guess.
    assert holds["part"] >= sum(holds.values()) - 2
    assert ends["whole"] >= sum(ends.values()) - 1
