"""Writing a corpus: labels, hashes, and what becomes of the one that was there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus.audio_file import file_sha256
from rtbench.corpus.labels import RULE
from rtbench.corpus.manifest import Role, Span, read_manifest
from rtbench.corpus.writer import NewClip, write_corpus

RATE_HZ = 24_000


def clip(name: str) -> NewClip:
    speech = np.tile(np.array([4_000, -4_000], np.int16), 6_000)
    pause = np.zeros(4_800, np.int16)
    samples = np.concatenate((pause, speech, pause, speech, pause))
    return NewClip(name, Role.STATEMENT, "rms", "One, two.", "CC0-1.0", samples)


def test_clips_are_labelled_by_the_rule_and_hashed(tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path, "small", "en", RATE_HZ, [clip("b"), clip("a")])
    assert [entry.name for entry in manifest.clips] == ["a", "b"]
    assert manifest.labelled_by == RULE
    entry = manifest.clips[0]
    assert entry.speech == Span(start=4_800, end=33_600)
    assert entry.holds == (Span(start=16_800, end=21_600),)
    assert entry.sha256 == file_sha256(tmp_path / entry.file)
    assert read_manifest(tmp_path) == manifest


def test_the_same_clips_give_the_same_corpus(tmp_path: Path) -> None:
    first = write_corpus(tmp_path / "1", "small", "en", RATE_HZ, [clip("a"), clip("b")])
    second = write_corpus(tmp_path / "2", "small", "en", RATE_HZ, [clip("b"), clip("a")])
    assert first == second


def test_clips_of_an_earlier_build_are_removed_and_other_files_kept(tmp_path: Path) -> None:
    write_corpus(tmp_path, "small", "en", RATE_HZ, [clip("old"), clip("kept")])
    (tmp_path / "README.md").write_text("mine")
    write_corpus(tmp_path, "small", "en", RATE_HZ, [clip("kept"), clip("new")])
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "README.md",
        "kept.flac",
        "manifest.json",
        "new.flac",
    ]


def test_a_broken_manifest_does_not_keep_a_corpus_from_being_built_again(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    write_corpus(tmp_path, "small", "en", RATE_HZ, [clip("a")])
    assert len(read_manifest(tmp_path).clips) == 1


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "small").write_text("a file is in the way")
    with pytest.raises(UsageError, match="small: the corpus cannot be written: "):
        write_corpus(tmp_path / "small", "small", "en", RATE_HZ, [clip("a")])
