"""Writing a corpus: clips are gathered first and written together, so that a failed build leaves the old one whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.corpus.audio_file import file_sha256, write_clip
from rtbench.corpus.labels import RULE, label
from rtbench.corpus.manifest import ClipEntry, Manifest, Role, read_manifest, write_manifest

CLIPS_FOLDER = "clips"


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip before it has a file and labels; `samples` are at the corpus's rate."""

    name: str
    role: Role
    voice: str
    text: str
    licence: str
    samples: Samples


def write_corpus(folder: Path, name: str, language: str, rate_hz: int, clips: list[NewClip]) -> Manifest:
    """Label the clips, write their files and the manifest, and remove clips of an earlier build.

    Raises UsageError where the folder cannot be written to.
    """
    old_files = _files_of(folder)
    try:
        entries = tuple(_write(folder, clip, rate_hz) for clip in sorted(clips, key=lambda clip: clip.name))
        manifest = Manifest(name=name, language=language, rate_hz=rate_hz, labelled_by=RULE, clips=entries)
        write_manifest(folder, manifest)
        for file in old_files - {entry.file for entry in entries}:
            (folder / file).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: the corpus cannot be written: {error.strerror or error}") from None
    return manifest


def _write(folder: Path, clip: NewClip, rate_hz: int) -> ClipEntry:
    file = f"{CLIPS_FOLDER}/{clip.name}.flac"
    write_clip(folder / file, clip.samples, rate_hz)
    labels = label(clip.samples, rate_hz, clip.role)
    return ClipEntry(
        name=clip.name,
        file=file,
        text=clip.text,
        voice=clip.voice,
        role=clip.role,
        samples=len(clip.samples),
        speech=labels.speech,
        holds=labels.holds,
        licence=clip.licence,
        sha256=file_sha256(folder / file),
    )


def _files_of(folder: Path) -> set[str]:
    """Files of the corpus that is there already; none where there is none that can be read."""
    try:
        return {entry.file for entry in read_manifest(folder).clips}
    except UsageError:
        return set()
