"""Synthesisers: which are missing, which voices they lack, and speech where they are installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus.manifest import Role
from rtbench.corpus.recipe import Recipe, SpokenClip, VoiceRecipe
from rtbench.corpus.synthesis import require_synthesizers, speak

RATE_HZ = 24_000
FLITE = VoiceRecipe(program="flite", voice="rms")
ESPEAK = VoiceRecipe(program="espeak-ng", voice="en-gb-scotland")

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def recipe(**voices: VoiceRecipe) -> Recipe:
    clip = SpokenClip(name="yes", role=Role.YES_NO, voice=next(iter(voices)), text="Yes.")
    return Recipe(name="small", language="en", licence="CC0-1.0", voices=voices, speech=(clip,))


def fake_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_missing_programs_are_named_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"synthesised with espeak-ng and flite, which this machine does not have"
    ):
        require_synthesizers(recipe(a=FLITE, b=ESPEAK))


def test_a_program_that_no_voice_needs_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_program(tmp_path, "flite", 'echo "Voices available: kal rms"')
    require_synthesizers(recipe(a=FLITE))


def test_a_voice_that_flite_lacks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_program(tmp_path, "flite", 'echo "Voices available: kal slt"')
    with pytest.raises(UsageError, match="flite has no voice 'rms'; there is kal, slt"):
        require_synthesizers(recipe(a=FLITE))


def test_a_program_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_program(tmp_path, "espeak-ng", "echo 'no such voice' >&2; exit 1")
    with pytest.raises(UsageError, match="espeak-ng failed: no such voice"):
        speak("Yes.", ESPEAK, RATE_HZ)


@needs_flite
def test_flite_speaks() -> None:
    samples = speak("What time do you open?", FLITE, RATE_HZ)
    assert 1.0 < len(samples) / RATE_HZ < 4.0
    assert np.abs(samples).max() > 0.1


@needs_espeak
def test_espeak_speaks_faster_when_asked_to() -> None:
    slow, fast = (
        speak("What time do you open?", ESPEAK.model_copy(update={"words_per_minute": rate}), RATE_HZ)
        for rate in (120, 240)
    )
    assert len(fast) < 0.8 * len(slow)


@needs_espeak
def test_a_text_that_looks_like_an_option_is_spoken() -> None:
    assert len(speak("-v is an option", ESPEAK, RATE_HZ)) > RATE_HZ // 2
