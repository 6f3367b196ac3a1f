"""`rtbench corpus build`, `check`, `list` and `play`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtbench.cli import corpus
from rtbench.core.errors import UsageError
from rtbench.corpus.folder import SHIPPED_CORPORA


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    corpus.register(parser.add_subparsers())
    args = parser.parse_args(["corpus", *words])
    code: int = args.handler(args)
    return code


def record(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.14 * np.sin(2.0 * np.pi * 300.0 * np.arange(16_000) / 16_000)
    soundfile.write(path, np.concatenate((np.zeros(1_600), tone, np.zeros(1_600))), 16_000)
    if text:
        path.with_suffix(".txt").write_text(text)


def test_recordings_are_built_into_corpora_under_their_folders_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record(Path("calls/questions/hours.wav"))
    assert run("build", "calls") == 0
    assert capsys.readouterr().out == "calls: 1 clips, 1 s of audio, in corpora/calls\n"
    assert run("check", "calls") == 0
    assert "hashes, labels, clipping and level are right" in capsys.readouterr().out


def test_a_build_goes_where_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("calls/hours.wav"))
    assert run("build", "calls", "--out", "elsewhere", "--name", "mine", "--level", "-20") == 0
    assert capsys.readouterr().out.startswith("mine: 1 clips")
    assert run("check", "elsewhere") == 0


def test_findings_are_printed_with_their_file_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("calls/hours.wav"))
    run("build", "calls")
    Path("corpora/calls/clips/hours.flac").unlink()
    capsys.readouterr()
    assert run("check", "calls") == 1
    assert capsys.readouterr().out == "corpora/calls/clips/hours.flac: audio file is missing\n"


def test_a_source_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="nowhere: no such recipe, and no such folder of recordings"):
        run("build", "nowhere")


def test_a_recipe_that_needs_missing_programs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        UsageError, match="synthesised with espeak-ng and flite, which this machine does not have"
    ):
        run("build", "english", "--out", "again")


def test_the_list_shows_every_clip_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    [hesitant] = [line for line in lines if line.startswith("hesitant_order ")]
    assert hesitant.split()[1:3] == ["statement", "rms"]
    assert sum("question " in line for line in lines) == 14


def test_words_in_brackets_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("calls/hours.wav"), text="[red] hi")
    run("build", "calls")
    capsys.readouterr()
    run("list", "calls")
    assert "[red] hi" in capsys.readouterr().out


def test_an_unknown_corpus_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'english'"):
        run("check", "englich")


def test_a_clip_is_written_as_it_is_in_the_corpus_and_shown_with_its_labels(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record(Path("calls/hours.wav"), text="When do you open?")
    run("build", "calls")
    capsys.readouterr()
    assert run("play", "hours", "--corpus", "calls", "--out", "hours.wav") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hours: statement, voice recorded, 1.20 s"
    assert lines[1] == '"When do you open?"'
    assert lines[2] == "speech 0.10-1.10 s"
    assert lines[-1] == "hours.wav"
    assert max(map(len, lines)) <= 80
    written, rate_hz = soundfile.read("hours.wav", dtype="int16")
    original, _ = soundfile.read("corpora/calls/clips/hours.flac", dtype="int16")
    assert rate_hz == 24_000
    assert np.array_equal(written, original)


def test_all_clips_of_a_role_stand_in_one_file_half_a_second_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("play", "click", "--out", "clicks.wav") == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("click_")]
    assert shown == ["click_15ms: click, 0.21 s", "click_60ms: click, 0.26 s"]
    written, _ = soundfile.read("clicks.wav")
    folder = SHIPPED_CORPORA / "english"
    lengths = [
        len(soundfile.read(folder / "clips" / f"{name}.flac")[0]) for name in ("click_15ms", "click_60ms")
    ]
    assert len(written) == sum(lengths) + 12_000
    assert not written[lengths[0] : lengths[0] + 12_000].any()


def test_without_a_player_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="nothing on this machine plays sound"):
        run("play", "hours_question")


def test_what_cannot_be_played_is_told_before_anything_is_written() -> None:
    with pytest.raises(UsageError, match="did you mean 'hours_question'"):
        run("play", "hours_questoin", "--out", "x.wav")
    with pytest.raises(UsageError, match=r"nowhere/x\.wav: cannot be written \(No such file or directory\)"):
        run("play", "hours_question", "--out", "nowhere/x.wav")
    assert not Path("x.wav").exists()
