"""Building a corpus from a folder of the user's own recordings: WAV, FLAC and OGG, of any rate, mono or stereo."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rtbench.core.audio import PCM16
from rtbench.core.errors import UsageError
from rtbench.corpus.audio_file import read_recording, to_int16
from rtbench.corpus.build import levelled
from rtbench.corpus.manifest import Manifest, Role
from rtbench.corpus.writer import NewClip, write_corpus

SUFFIXES = frozenset({".wav", ".flac", ".ogg"})
RATE_HZ = PCM16.rate_hz


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the files themselves do not tell."""

    name: str
    language: str = "en"
    voice: str = "recorded"
    licence: str = "not stated"


def build_from_recordings(
    source: Path,
    folder: Path,
    provenance: Provenance,
    level_dbfs: float | None = None,
    on_clip: Callable[[str], None] | None = None,
) -> Manifest:
    """Make a corpus of all recordings under `source`, resampled to 24 kHz mono FLAC.

    A clip's name comes from its file's; its role from the innermost sub-folder that is called after
    one (`questions` or `question`), else it is a statement; its text from a `.txt` of the same name.
    Recordings keep their level unless `level_dbfs` gives one. Raises UsageError naming the file.
    """
    clips = []
    for path, name in _named(_recordings(source, folder)):
        if on_clip:
            on_clip(name)
        samples = read_recording(path, RATE_HZ)
        clips.append(
            NewClip(
                name=name,
                role=_role(path.relative_to(source)),
                voice=provenance.voice,
                text=_text(path.with_suffix(".txt")),
                licence=provenance.licence,
                samples=to_int16(samples) if level_dbfs is None else levelled(samples, level_dbfs),
            )
        )
    return write_corpus(folder, provenance.name, provenance.language, RATE_HZ, clips)


def _recordings(source: Path, folder: Path) -> list[Path]:
    """Audio files under `source` in a fixed order, without those of a corpus built inside it."""
    if not source.is_dir():
        raise UsageError(f"{source}: is neither a recipe nor a folder of recordings")
    if folder.resolve() == source.resolve():
        raise UsageError(f"{folder}: a corpus cannot be built into the folder of its own recordings")
    built = folder.resolve()
    paths = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in SUFFIXES and built not in path.resolve().parents
    )
    if not paths:
        raise UsageError(f"{source}: holds no {', '.join(sorted(SUFFIXES))} files")
    return paths


def _named(paths: list[Path]) -> list[tuple[Path, str]]:
    """Each file with its clip's name: lower case, words joined by underscores."""
    by_name: dict[str, Path] = {}
    for path in paths:
        name = re.sub(r"\W+", "_", path.stem.lower()).strip("_")
        if not name:
            raise UsageError(f"{path}: no clip can be named after this file")
        if name in by_name:
            raise UsageError(f"{path}: would be named {name!r}, as {by_name[name]} already is")
        by_name[name] = path
    return [(path, name) for name, path in by_name.items()]


def _role(path: Path) -> Role:
    roles = {role.value: role for role in Role}
    for parent in path.parents:
        name = re.sub(r"\W+", "_", parent.name.lower())
        role = roles.get(name) or roles.get(name.removesuffix("s"))
        if role is not None:
            return role
    return Role.STATEMENT


def _text(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="utf-8").split())
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
