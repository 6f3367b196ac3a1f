"""A corpus opened for use: clips by name and role, their labels and their samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Self

import rtbench
from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.core.script import Clip
from rtbench.corpus.audio_file import read_clip
from rtbench.corpus.manifest import MANIFEST_NAME, ClipEntry, Manifest, Role, read_manifest

SHIPPED_CORPORA = Path(rtbench.__file__).parent.parent / "corpora"
"""The repository's own corpora, beside the package."""


def find_corpus(name_or_path: str, near: Path | None = None) -> Path:
    """The folder of a corpus, by path or by name.

    Tried in turn: the path from the folder `near` (that of a scenario), the path from the current
    folder, `corpora/NAME` in the current folder, and the corpora that come with rtbench.
    Raises UsageError with the nearest known name where none of them is there, and where what is there has no manifest.
    """
    libraries = (Path("corpora"), SHIPPED_CORPORA)
    bases = ([near] if near else []) + [Path(), *libraries]
    folders = [base / name_or_path for base in bases]
    for folder in folders:
        if (folder / MANIFEST_NAME).is_file():
            return folder
    for folder in folders:
        if folder.is_dir():
            raise UsageError(f"{folder} is not a corpus: it has no {MANIFEST_NAME}")
    known = {path.parent.name for library in libraries for path in library.glob(f"*/{MANIFEST_NAME}")}
    raise UsageError(f"corpus {name_or_path!r} was not found{_suggestion(name_or_path, known)}")


class Corpus:
    """The clips of one folder; audio is read when first asked for, and kept."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._entries = {entry.name: entry for entry in manifest.clips}
        self._samples: dict[str, Samples] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the manifest, and no audio yet. Raises UsageError where it is not a corpus."""
        return cls(folder, read_manifest(folder))

    @property
    def rate_hz(self) -> int:
        """Sample rate of every clip."""
        return self.manifest.rate_hz

    @property
    def sha256(self) -> str:
        """Of the manifest's content, and so of labels and files: corpora with the same digest are the same."""
        return hashlib.sha256(self.manifest.model_dump_json().encode()).hexdigest()

    def names(self, role: Role | None = None) -> tuple[str, ...]:
        """Names of all clips, or of those with a role, sorted."""
        return tuple(sorted(name for name, entry in self._entries.items() if role in (None, entry.role)))

    def entry(self, name: str) -> ClipEntry:
        """A clip's words, file and labels. Raises UsageError with the nearest valid name where there is none."""
        entry = self._entries.get(name)
        if entry is None:
            nearest = _suggestion(name, self._entries)
            raise UsageError(f"corpus {self.manifest.name!r} has no clip {name!r}{nearest}")
        return entry

    def clip(self, name: str) -> Clip:
        """A clip's labels in nanoseconds. Raises UsageError for an unknown name."""
        return self.entry(name).clip(self.rate_hz)

    def samples(self, name: str) -> Samples:
        """A clip's samples, shape (samples,), not to be written to.

        Raises UsageError for an unknown name, and for a file that is missing, unreadable, not mono, of
        another rate, or of another length than its labels were made for.
        """
        samples = self._samples.get(name)
        if samples is None:
            samples = self._samples[name] = self._read(self.entry(name))
        return samples

    def load(self, names: Iterable[str]) -> None:
        """Read these clips now, so that a bad file is told before a run starts. Raises as `samples`."""
        for name in names:
            self.samples(name)

    def _read(self, entry: ClipEntry) -> Samples:
        path = self.folder / entry.file
        samples = read_clip(path, self.rate_hz)
        if len(samples) != entry.samples:
            raise UsageError(f"{path}: has {len(samples)} samples, the manifest says {entry.samples}")
        samples.flags.writeable = False
        return samples


def _suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the choice where nothing is near."""
    known = sorted(known)
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; there is {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}" if known else ""
