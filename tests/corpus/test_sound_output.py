"""Players are programs of the test's own, found where a machine's players would be."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus.sound_output import play

SAMPLES = np.array([0, 100, -100, 32_767], np.int16)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(programs: Path, name: str, does: str) -> None:
    program = programs / name
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)


def test_the_player_gets_a_wave_file_of_the_samples(programs: Path, tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    install(programs, "paplay", f'/bin/cp "$1" {heard}')
    assert play(SAMPLES, 24_000) == "paplay"
    with wave.open(str(heard)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(10) == SAMPLES.tobytes()


def test_one_that_fails_leaves_it_to_the_next(programs: Path) -> None:
    install(programs, "aplay", "exit 1")
    install(programs, "play", "exit 0")
    assert play(SAMPLES, 24_000) == "play"


def test_one_that_fails_with_status_0_is_known_by_its_words(programs: Path) -> None:
    install(programs, "aplay", "exit 1")
    install(programs, "ffplay", "echo no such device >&2")
    with pytest.raises(
        UsageError, match=r"^aplay and ffplay cannot play on this machine; .*--out FILE\.wav$"
    ):
        play(SAMPLES, 24_000)
    install(programs, "ffplay", "exit 0")
    assert play(SAMPLES, 24_000) == "ffplay"


def test_a_machine_without_any_is_told_what_to_do(programs: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^nothing on this machine plays sound \(aplay, .*\); .*--out FILE\.wav$"
    ):
        play(SAMPLES, 24_000)
