"""Building from the user's own recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtbench.core.errors import UsageError
from rtbench.corpus.folder import Corpus
from rtbench.corpus.labels import speech_level_dbfs
from rtbench.corpus.manifest import ClipEntry, Manifest, Role
from rtbench.corpus.recordings import Provenance, build_from_recordings

ABOUT = Provenance("mine", language="de", voice="anna", licence="internal")


def record(path: Path, rate_hz: int = 44_100, channels: int = 1, amplitude: float = 0.05) -> None:
    """100 ms of silence, 500 ms of tone, 200 ms of silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = amplitude * np.sin(2.0 * np.pi * 300.0 * np.arange(rate_hz // 2) / rate_hz)
    samples = np.concatenate((np.zeros(rate_hz // 10), tone, np.zeros(rate_hz // 5)))
    soundfile.write(path, np.column_stack([samples] * channels), rate_hz)


def by_name(manifest: Manifest) -> dict[str, ClipEntry]:
    return {entry.name: entry for entry in manifest.clips}


@pytest.mark.parametrize(
    ("file", "rate_hz", "channels", "edge_ms"),
    # Vorbis smears an abrupt end over one of its short blocks.
    [("a.wav", 8_000, 1, 5), ("a.flac", 44_100, 2, 5), ("a.OGG", 48_000, 2, 15)],
)
def test_recordings_of_any_kind_become_24_khz_mono_with_labels(
    tmp_path: Path, file: str, rate_hz: int, channels: int, edge_ms: int
) -> None:
    record(tmp_path / "in" / file, rate_hz, channels)
    entry = build_from_recordings(tmp_path / "in", tmp_path / "out", ABOUT).clips[0]
    info = soundfile.info(tmp_path / "out" / entry.file)
    assert (info.samplerate, info.channels, info.format, info.subtype) == (24_000, 1, "FLAC", "PCM_16")
    assert entry.samples == 19_200
    assert entry.speech.start == pytest.approx(2_400, abs=24 * edge_ms)
    assert entry.speech.end == pytest.approx(14_400, abs=24 * edge_ms)


def test_roles_come_from_sub_folders_and_words_from_text_files(tmp_path: Path) -> None:
    for file in ("questions/Opening Hours.wav", "yes_no/ja.wav", "Side-Talk/set 1/tv.wav", "other/plain.wav"):
        record(tmp_path / "in" / file)
    (tmp_path / "in/yes_no/ja.txt").write_text("Ja,\n bitte.\n")
    clips = by_name(build_from_recordings(tmp_path / "in", tmp_path / "out", ABOUT))
    assert {name: entry.role for name, entry in clips.items()} == {
        "opening_hours": Role.QUESTION,
        "ja": Role.YES_NO,
        "tv": Role.SIDE_TALK,
        "plain": Role.STATEMENT,
    }
    assert clips["ja"].text == "Ja, bitte."
    assert clips["plain"].text == ""


def test_provenance_is_kept(tmp_path: Path) -> None:
    record(tmp_path / "in/a.wav")
    manifest = build_from_recordings(tmp_path / "in", tmp_path / "out", ABOUT)
    assert (manifest.name, manifest.language) == ("mine", "de")
    assert (manifest.clips[0].voice, manifest.clips[0].licence) == ("anna", "internal")


def test_the_same_recordings_give_the_same_files(tmp_path: Path) -> None:
    record(tmp_path / "in/a.wav")
    record(tmp_path / "in/b.ogg", 48_000, 2)
    first = build_from_recordings(tmp_path / "in", tmp_path / "1", ABOUT)
    assert build_from_recordings(tmp_path / "in", tmp_path / "2", ABOUT) == first


def test_recordings_keep_their_level_unless_one_is_asked_for(tmp_path: Path) -> None:
    record(tmp_path / "in/a.wav", amplitude=0.05)
    build_from_recordings(tmp_path / "in", tmp_path / "as_is", ABOUT)
    build_from_recordings(tmp_path / "in", tmp_path / "set", ABOUT, level_dbfs=-20.0)
    as_is, levelled = (Corpus.open(tmp_path / name).samples("a") for name in ("as_is", "set"))
    assert speech_level_dbfs(as_is, 24_000) == pytest.approx(20.0 * np.log10(0.05 / np.sqrt(2.0)), abs=0.5)
    assert speech_level_dbfs(levelled, 24_000) == pytest.approx(-20.0, abs=0.2)


def test_a_corpus_built_inside_its_source_is_not_read_as_a_recording(tmp_path: Path) -> None:
    record(tmp_path / "in/a.wav")
    for _ in range(2):
        manifest = build_from_recordings(tmp_path / "in", tmp_path / "in/corpus", ABOUT)
    assert list(by_name(manifest)) == ["a"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    record(tmp_path / "in/x/Hello.wav")
    record(tmp_path / "in/y/hello.flac")
    with pytest.raises(UsageError, match=r"hello\.flac: would be named 'hello', as .*Hello\.wav already is"):
        build_from_recordings(tmp_path / "in", tmp_path / "out", ABOUT)


def test_an_unreadable_recording_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    record(tmp_path / "in/a.wav")
    (tmp_path / "in/b.wav").write_text("no audio")
    with pytest.raises(UsageError, match=r"b\.wav: not a readable audio file"):
        build_from_recordings(tmp_path / "in", tmp_path / "out", ABOUT)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to hear")
    with pytest.raises(UsageError, match=r"holds no \.flac, \.ogg, \.wav files"):
        build_from_recordings(tmp_path, tmp_path / "out", ABOUT)


def test_the_recordings_own_folder_is_not_written_to(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    with pytest.raises(UsageError, match="cannot be built into the folder of its own recordings"):
        build_from_recordings(tmp_path, tmp_path, ABOUT)
