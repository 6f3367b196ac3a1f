"""The manifest: written and read again, and refused with one sentence where it cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus.manifest import ClipEntry, Manifest, Role, Span, read_manifest, write_manifest


def entry(**changes: Any) -> ClipEntry:
    values: dict[str, Any] = {
        "name": "hours",
        "file": "clips/hours.flac",
        "text": "What time do you open?",
        "voice": "rms",
        "role": Role.QUESTION,
        "samples": 48_000,
        "speech": Span(start=2_400, end=45_600),
        "holds": (Span(start=12_000, end=24_000),),
        "licence": "CC0-1.0",
        "sha256": "00",
    }
    return ClipEntry.model_validate(values | changes)


def manifest(*clips: ClipEntry) -> Manifest:
    return Manifest(name="small", language="en", labelled_by="by hand", clips=clips)


def damage(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = manifest(entry(), entry(name="fermé", file="clips/b.flac", text="Ça va?"))
    write_manifest(tmp_path, written)
    assert read_manifest(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_labels_become_nanoseconds_at_the_corpus_rate() -> None:
    clip = entry().clip(24_000)
    assert clip.duration_ns == 2_000_000_000
    assert (clip.speech_start_ns, clip.speech_end_ns) == (100_000_000, 1_900_000_000)
    assert clip.holds == ((500_000_000, 1_000_000_000),)
    assert (clip.name, clip.role, clip.voice) == ("hours", "question", "rms")


def test_a_folder_without_manifest_is_not_a_corpus(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a corpus: it has no manifest\.json"):
        read_manifest(tmp_path)


def test_broken_json_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{\n "name": "x",\n oops\n}')
    with pytest.raises(UsageError, match=r"manifest\.json:3: not valid JSON"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(UsageError, match=r"manifest\.json cannot be read"):
        read_manifest(tmp_path)


def test_a_wrong_value_is_told_with_its_key_and_the_number_of_others(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest(entry()))
    clip = json.loads((tmp_path / "manifest.json").read_text())["clips"][0]
    damage(tmp_path, clips=[clip, clip | {"samples": 0, "role": "shout"}])
    with pytest.raises(UsageError, match=r"manifest\.json: clips\[1\]\.role: .*question.* \(and 1 more\)$"):
        read_manifest(tmp_path)


def test_two_clips_of_one_name_are_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest(entry(), entry(file="clips/other.flac")))
    with pytest.raises(UsageError, match="the name 'hours' is given to 2 clips"):
        read_manifest(tmp_path)


def test_a_corpus_of_another_rate_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest(entry()))
    damage(tmp_path, rate_hz=16_000)
    with pytest.raises(UsageError, match=r"manifest\.json: rate_hz: is 16000; a corpus is kept at 24000 Hz"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret.flac", "clips/../../secret.flac"])
def test_a_clip_outside_the_folder_is_refused(file: str) -> None:
    with pytest.raises(ValueError, match="must be a path inside the corpus's folder"):
        entry(file=file)
