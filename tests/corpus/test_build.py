"""Building from a recipe: pauses become holds, levels agree, and the shipped corpus comes out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus import build
from rtbench.corpus.build import build_corpus, levelled
from rtbench.corpus.check import check_corpus
from rtbench.corpus.folder import SHIPPED_CORPORA, Corpus
from rtbench.corpus.labels import speech_level_dbfs
from rtbench.corpus.manifest import Role, Span
from rtbench.corpus.recipe import Recipe, SoundClip, SpokenClip, VoiceRecipe, read_recipe

RATE_HZ = 24_000
ENGLISH = SHIPPED_CORPORA / "english"

needs_synthesizers = pytest.mark.skipif(
    shutil.which("flite") is None or shutil.which("espeak-ng") is None,
    reason="flite and espeak-ng are not both installed",
)


def tone(ms: int, amplitude: float) -> np.ndarray:
    return amplitude * np.sin(2.0 * np.pi * 300.0 * np.arange(RATE_HZ * ms // 1000) / RATE_HZ)


@pytest.fixture
def tones_for_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every phrase is a tone of 10 ms per letter between stretches of silence; later phrases are weaker."""

    def speak(text: str, voice: VoiceRecipe, rate_hz: int) -> np.ndarray:
        amplitude = 0.4 if text[0].isupper() else 0.1
        return np.concatenate((np.zeros(3_000), tone(10 * len(text), amplitude), np.zeros(5_000)))

    monkeypatch.setattr(build, "speak", speak)
    monkeypatch.setattr(build, "require_synthesizers", lambda recipe: None)


def recipe(*speech: SpokenClip, sounds: tuple[SoundClip, ...] = ()) -> Recipe:
    voices = {"rms": VoiceRecipe(program="flite", voice="rms")}
    return Recipe(name="small", language="en", licence="CC0-1.0", voices=voices, speech=speech, sounds=sounds)


def spoken(name: str, text: str, level_dbfs: float = -20.0) -> SpokenClip:
    return SpokenClip(name=name, role=Role.STATEMENT, voice="rms", text=text, level_dbfs=level_dbfs)


@pytest.mark.usefixtures("tones_for_voices")
def test_a_pause_in_the_text_becomes_a_hold_of_that_length(tmp_path: Path) -> None:
    text = "A" * 50 + " [600 ms] " + "b" * 30 + " [150 ms] " + "c" * 20
    entry = build_corpus(recipe(spoken("hesitant", text)), tmp_path).clips[0]

    def near(span: Span, start_ms: int, end_ms: int) -> bool:
        return abs(span.start - start_ms * 24) <= 120 and abs(span.end - end_ms * 24) <= 120

    assert near(entry.speech, 100, 1_850)
    assert len(entry.holds) == 2
    assert near(entry.holds[0], 600, 1_200)
    assert near(entry.holds[1], 1_500, 1_650)
    assert entry.samples == pytest.approx(1_950 * 24, abs=240)


@pytest.mark.usefixtures("tones_for_voices")
def test_clips_come_out_at_the_level_asked_for(tmp_path: Path) -> None:
    build_corpus(recipe(spoken("loud", "Aaaaaaaaaaaa"), spoken("far", "bbbbbbbbbbbb", -38.0)), tmp_path)
    corpus = Corpus.open(tmp_path)
    assert speech_level_dbfs(corpus.samples("loud"), RATE_HZ) == pytest.approx(-20.0, abs=0.2)
    assert speech_level_dbfs(corpus.samples("far"), RATE_HZ) == pytest.approx(-38.0, abs=0.2)


@pytest.mark.usefixtures("tones_for_voices")
def test_a_click_is_labelled_with_its_exact_length(tmp_path: Path) -> None:
    click = SoundClip(name="click", role=Role.CLICK, sound="click", duration_ms=60)
    entry = build_corpus(recipe(spoken("a", "Aaaa"), sounds=(click,)), tmp_path).clips[1]
    assert entry.speech == Span(start=2_400, end=2_400 + 1_440)


@pytest.mark.usefixtures("tones_for_voices")
def test_a_tone_is_labelled_with_its_length_at_the_level_of_speech(tmp_path: Path) -> None:
    tone = SoundClip(name="tone", role=Role.TONE, sound="dtmf", key="5", duration_ms=200)
    entry = build_corpus(recipe(spoken("a", "Aaaa"), sounds=(tone,)), tmp_path).clips[1]
    assert entry.speech.start == pytest.approx(2_400, abs=24)
    assert entry.speech.end == pytest.approx(2_400 + 4_800, abs=24)
    assert entry.holds == ()
    assert speech_level_dbfs(Corpus.open(tmp_path).samples("tone"), RATE_HZ) == pytest.approx(-20.0, abs=0.2)


@pytest.mark.usefixtures("tones_for_voices")
def test_a_clip_is_spoken_at_its_own_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[int | None] = []
    speak = build.speak

    def listening(text: str, voice: VoiceRecipe, rate_hz: int) -> np.ndarray:
        rates.append(voice.words_per_minute)
        return speak(text, voice, rate_hz)

    monkeypatch.setattr(build, "speak", listening)
    voices = {"us": VoiceRecipe(program="espeak-ng", voice="en-us", words_per_minute=170)}
    clips = [
        SpokenClip(name=name, role=Role.STATEMENT, voice="us", text="Aaaa", words_per_minute=rate)
        for name, rate in (("plain", None), ("fast", 260))
    ]
    whole = Recipe(name="small", language="en", licence="CC0-1.0", voices=voices, speech=tuple(clips))
    build_corpus(whole, tmp_path)
    assert rates == [170, 260]


@pytest.mark.usefixtures("tones_for_voices")
def test_noise_fills_its_clip_without_margins(tmp_path: Path) -> None:
    noise = SoundClip(name="street", role=Role.NOISE, sound="pink_noise", duration_ms=500, level_dbfs=-35.0)
    entry = build_corpus(recipe(spoken("a", "Aaaa"), sounds=(noise,)), tmp_path).clips[1]
    assert entry.samples == 12_000
    samples = Corpus.open(tmp_path).samples("street")
    assert speech_level_dbfs(samples, RATE_HZ) == pytest.approx(-35.0, abs=1.0)


@pytest.mark.usefixtures("tones_for_voices")
def test_each_clip_is_announced(tmp_path: Path) -> None:
    announced: list[str] = []
    build_corpus(recipe(spoken("one", "Aaaa"), spoken("two", "Bbbb")), tmp_path, announced.append)
    assert announced == ["one", "two"]


def test_the_peak_limits_the_level() -> None:
    spiky = tone(500, 0.01)
    spiky[6_000:6_010] = 0.5
    samples = levelled(spiky, -20.0)
    assert np.abs(samples.astype(int)).max() == pytest.approx(32_768 * 10 ** (-3 / 20), abs=2)


def test_silence_has_no_level_to_set() -> None:
    assert not levelled(np.zeros(2_400), -20.0).any()


def test_nothing_is_written_where_a_program_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="which this machine does not have"):
        build_corpus(recipe(spoken("one", "Aaaa")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_synthesizers
def test_the_shipped_recipe_makes_the_shipped_clips_again(tmp_path: Path) -> None:
    whole = read_recipe(ENGLISH / "recipe.yaml")
    wanted = {"hesitant_order", "hours_question", "closing_question", "click_60ms"}
    part = whole.model_copy(
        update={
            "speech": tuple(clip for clip in whole.speech if clip.name in wanted),
            "sounds": tuple(clip for clip in whole.sounds if clip.name in wanted),
        }
    )
    shipped = Corpus.open(ENGLISH)
    for entry in build_corpus(part, tmp_path / "1").clips:
        old = shipped.entry(entry.name)
        assert (entry.text, entry.voice, entry.role) == (old.text, old.voice, old.role)
        # Other versions of the programs speak a little differently.
        assert entry.speech.end == pytest.approx(old.speech.end, rel=0.1)
        assert len([hold for hold in entry.holds if hold.end - hold.start > 7_200]) == len(
            [hold for hold in old.holds if hold.end - hold.start > 7_200]
        )
    assert build_corpus(part, tmp_path / "2") == Corpus.open(tmp_path / "1").manifest
    assert check_corpus(tmp_path / "1") == []
