from __future__ import annotations

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.audio import PCMU
from rtbench.core.vad import EnergyVad, SpeechEnd
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.corpus.frames import FrameCache
from rtbench.corpus.manifest import Role
from rtbench.emulator.completeness import Completeness
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.recognizer import Recognizer

SPOKEN = (Role.QUESTION, Role.STATEMENT, Role.LONG_STORY, Role.INTERRUPTION, Role.YES_NO, Role.BACKCHANNEL)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="module")
def recognizer(corpus) -> Recognizer:
    return load_service(corpus.folder, Profile()).recognizer


def heard(samples, before_ms: int = 300, after_ms: int = 500):
    """As a turn is committed: with silence around."""
    return np.concatenate([np.zeros(24 * before_ms, np.int16), samples, np.zeros(24 * after_ms, np.int16)])


def test_every_clip_of_the_corpus_is_known_by_its_sound(corpus, recognizer):
    names = [name for role in SPOKEN for name in corpus.names(role)]
    wrong = [
        name
        for name in names
        if recognizer.recognize(heard(corpus.samples(name)), 24_000)
        != " ".join(corpus.entry(name).text.split())
    ]
    assert len(names) > 40
    assert wrong == []


@pytest.mark.parametrize("name", ["hours_question", "yes_please_awb", "uh_huh_rms", "story_moving_house"])
@pytest.mark.parametrize("shift", [0, 37])
def test_a_clip_is_known_after_g711_wherever_the_grid_falls(corpus, recognizer, name, shift):
    frames = FrameCache(corpus).frames(name, PCMU, 40)
    decoded = pcm.decode(b"".join(frame.data for frame in frames), PCMU)
    assert recognizer.recognize(decoded[shift:], 8_000) == " ".join(corpus.entry(name).text.split())


def test_clips_one_after_the_other_are_known_in_order(corpus, recognizer):
    both = np.concatenate([corpus.samples("order_question"), corpus.samples("new_address")])
    expected = f"{corpus.entry('order_question').text} {corpus.entry('new_address').text}"
    assert recognizer.recognize(heard(both), 24_000) == expected


@pytest.mark.parametrize(
    "name", ["hesitant_address", "hesitant_complaint", "hesitant_date", "hesitant_number"]
)
def test_parts_between_pauses_have_their_share_of_the_words(corpus, recognizer, name):
    samples = heard(corpus.samples(name), 0)
    vad = EnergyVad(24_000, silence_ms=200)
    ends = [edge.decided_sample for edge in vad.feed(samples) if isinstance(edge, SpeechEnd)]
    assert len(ends) > 1
    words = [recognizer.recognize(part, 24_000) for part in np.split(samples, ends)[:-1]]
    assert None not in words
    assert " ".join(words).split() == corpus.entry(name).text.split()


def test_noise_and_silence_have_no_words(corpus, recognizer):
    assert recognizer.recognize(corpus.samples("noise_crowd"), 24_000) is None
    assert recognizer.recognize(np.zeros(24_000, np.int16), 24_000) is None


def test_what_was_never_recorded_is_not_recognized(make_recording, make_tone):
    recognizer = Recognizer([make_recording("a", "some words", 100, 700, 100)])
    assert recognizer.recognize(make_tone(900), 24_000) is None
    assert recognizer.recognize(make_tone(700), 11_025) is None


def test_completeness_is_judged_at_the_rate_of_the_samples(make_recording):
    known = make_recording("address", "my address is here", 100, 500, 300, 400, 100)
    recognizer = Recognizer([known])
    for rate_hz, samples in known.samples.items():
        breaks_off = samples[: rate_hz * 700 // 1000]
        assert recognizer.completeness(breaks_off, rate_hz) is Completeness.PART
        assert recognizer.completeness(samples, rate_hz) is Completeness.WHOLE
    assert recognizer.completeness(known.samples[8_000], 16_000) is Completeness.UNKNOWN


def test_a_recognizer_without_recordings_knows_nothing(make_tone):
    assert Recognizer([]).recognize(make_tone(500), 24_000) is None
