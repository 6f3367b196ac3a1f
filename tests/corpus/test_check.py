"""Judging a corpus: the shipped one is right, and each kind of damage is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.corpus.audio_file import file_sha256, write_clip
from rtbench.corpus.check import check_corpus
from rtbench.corpus.folder import SHIPPED_CORPORA, Corpus
from rtbench.corpus.labels import RULE
from rtbench.corpus.manifest import Role, Span, read_manifest, write_manifest
from rtbench.corpus.writer import NewClip, write_corpus

RATE_HZ = 24_000
FILE = "clips/a.flac"


def speech(level_dbfs: float = -20.0) -> Samples:
    """100 ms of silence, 400 of sound, a pause of 200, 300 of sound, 100 of silence."""
    amplitude = int(32_768 * 10.0 ** (level_dbfs / 20.0))
    sound = np.tile(np.array([amplitude, -amplitude], np.int16), 4_800)
    pause = np.zeros(2_400, np.int16)
    return np.concatenate((pause, sound, pause, pause, sound[:7_200], pause))


def make(folder: Path, samples: Samples, role: Role = Role.STATEMENT) -> Path:
    write_corpus(folder, "small", "en", RATE_HZ, [NewClip("a", role, "rms", "One, two.", "CC0-1.0", samples)])
    return folder


def relabel(folder: Path, **changes: Any) -> None:
    manifest = read_manifest(folder)
    entry = manifest.clips[0].model_copy(update=changes)
    write_manifest(folder, manifest.model_copy(update={"clips": (entry,)}))


def problems(folder: Path) -> list[str]:
    findings = check_corpus(folder)
    assert all(finding.file == FILE for finding in findings)
    return [finding.problem for finding in findings]


def test_the_shipped_corpus_is_right() -> None:
    assert read_manifest(SHIPPED_CORPORA / "english").labelled_by == RULE
    assert check_corpus(SHIPPED_CORPORA / "english") == []


def test_the_shipped_corpus_has_what_conversations_are_made_of() -> None:
    corpus = Corpus.open(SHIPPED_CORPORA / "english")
    least = {
        Role.QUESTION: 14,
        Role.STATEMENT: 8,
        Role.LONG_STORY: 4,
        Role.YES_NO: 6,
        Role.INTERRUPTION: 6,
        Role.BACKCHANNEL: 6,
        Role.COUGH: 2,
        Role.SIDE_TALK: 2,
        Role.NOISE: 2,
        Role.CLICK: 2,
        Role.TONE: 2,
        Role.SILENCE: 1,
        Role.REPLY: 8,
    }
    for role, count in least.items():
        assert len(corpus.names(role)) >= count
    assert all(corpus.entry(name).holds for name in corpus.names() if name.startswith("hesitant_"))
    fast = [corpus.entry(name) for name in corpus.names() if name.startswith("fast_")]
    assert len(fast) >= 3
    for entry in fast:
        minutes = (entry.speech.end - entry.speech.start) / corpus.rate_hz / 60
        assert len(entry.text.split()) / minutes > 300
    assert corpus.clip("click_60ms").speech_end_ns - corpus.clip("click_60ms").speech_start_ns == 60_000_000


def test_a_corpus_as_it_was_written_has_no_findings(tmp_path: Path) -> None:
    assert problems(make(tmp_path, speech())) == []


def test_another_file_than_the_labelled_one_is_found(tmp_path: Path) -> None:
    make(tmp_path, speech())
    write_clip(tmp_path / FILE, speech(-21.0), RATE_HZ)
    assert problems(tmp_path) == ["its sha256 is not the manifest's"]


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    make(tmp_path, speech())
    (tmp_path / FILE).unlink()
    assert problems(tmp_path) == ["audio file is missing"]


def test_an_unreadable_file_is_found(tmp_path: Path) -> None:
    make(tmp_path, speech())
    (tmp_path / FILE).write_text("no audio")
    assert problems(tmp_path)[0].startswith("not a readable audio file")


def test_a_file_that_is_not_in_the_manifest_is_found(tmp_path: Path) -> None:
    make(tmp_path, speech())
    (tmp_path / "clips/b.flac").write_bytes(b"")
    assert check_corpus(tmp_path) == [("clips/b.flac", "is not in the manifest")]


def test_another_length_than_labelled_is_found(tmp_path: Path) -> None:
    make(tmp_path, speech())
    relabel(tmp_path, samples=30_000)
    assert problems(tmp_path) == ["has 26400 samples, the manifest says 30000"]


def test_a_label_10_ms_off_is_found_and_one_3_ms_off_is_not(tmp_path: Path) -> None:
    make(tmp_path, speech())
    relabel(tmp_path, speech=Span(start=2_400 + 72, end=24_000 - 72))
    assert problems(tmp_path) == []
    relabel(tmp_path, speech=Span(start=2_400 + 240, end=24_000))
    assert problems(tmp_path) == ["its speech is labelled 0.110-1.000 s, the audio says 0.100-1.000 s"]


def test_a_missing_hold_and_a_moved_one_are_found(tmp_path: Path) -> None:
    make(tmp_path, speech())
    relabel(tmp_path, holds=())
    assert problems(tmp_path) == ["0 holds are labelled, the audio has 1"]
    relabel(tmp_path, holds=(Span(start=12_000, end=15_600),))
    assert problems(tmp_path) == ["a hold is labelled 0.500-0.650 s, the audio says 0.500-0.700 s"]


def test_labels_made_by_another_rule_are_only_checked_for_sense(tmp_path: Path) -> None:
    make(tmp_path, speech())
    relabel(tmp_path, speech=Span(start=4_800, end=24_000), holds=())
    write_manifest(tmp_path, read_manifest(tmp_path).model_copy(update={"labelled_by": "by ear"}))
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (
            {"speech": Span(start=2_400, end=26_401)},
            "its speech ends at sample 26401, after the clip's last, 26400",
        ),
        ({"speech": Span(start=24_000, end=2_400)}, "its labels are not in order"),
        ({"holds": (Span(start=1_000, end=16_800),)}, "its labels are not in order"),
        (
            {"holds": (Span(start=12_000, end=16_800), Span(start=14_400, end=19_200))},
            "its labels are not in order",
        ),
        ({"holds": (Span(start=12_000, end=13_200),)}, "has a hold of 50 ms; a hold has 100 ms or more"),
    ],
)
def test_impossible_labels_are_found(tmp_path: Path, labels: dict[str, Any], problem: str) -> None:
    make(tmp_path, speech())
    relabel(tmp_path, **labels)
    assert len(problems(tmp_path)) == 1
    assert problems(tmp_path)[0].startswith(problem)


def test_clipping_is_found(tmp_path: Path) -> None:
    samples = speech()
    samples[3_000:3_010] = 32_767
    assert problems(make(tmp_path, samples)) == ["is clipped: 10 of 26400 samples are at full scale"]


@pytest.mark.parametrize(("level_dbfs", "said"), [(-35.0, "-35"), (-8.0, "-8")])
def test_speech_far_from_the_common_level_is_found(tmp_path: Path, level_dbfs: float, said: str) -> None:
    make(tmp_path, speech(level_dbfs))
    assert problems(tmp_path) == [f"its speech level is {said} dBFS, should be -20 +- 6 dBFS"]


def test_side_talk_may_be_faint(tmp_path: Path) -> None:
    assert problems(make(tmp_path, speech(-38.0), Role.SIDE_TALK)) == []


def test_a_silence_that_can_be_heard_is_found(tmp_path: Path) -> None:
    assert problems(make(tmp_path, np.full(4_800, 400, np.int16), Role.SILENCE)) == [
        "is not silent: -38 dBFS"
    ]


def test_hashes_are_those_of_the_files() -> None:
    folder = SHIPPED_CORPORA / "english"
    entry = read_manifest(folder).clips[0]
    assert file_sha256(folder / entry.file) == entry.sha256


def test_a_folder_without_manifest_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a corpus"):
        check_corpus(tmp_path)
