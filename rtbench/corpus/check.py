"""Judging a corpus: hashes, labels, clipping and level of every clip."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples, level_dbfs
from rtbench.corpus.audio_file import FULL_SCALE, file_sha256, read_clip
from rtbench.corpus.labels import (
    HOLD_MS,
    RULE,
    SOUND_ROLES,
    SOUNDLESS_ROLES,
    Labels,
    label,
    speech_level_dbfs,
)
from rtbench.corpus.manifest import ClipEntry, Manifest, Role, Span, read_manifest
from rtbench.corpus.recipe import SPEECH_LEVEL_DBFS
from rtbench.corpus.writer import CLIPS_FOLDER

LABEL_TOLERANCE_MS = 5
CLIPPED_SHARE = 1e-4
"""Above this share of samples at full scale, clipping is heard."""

LEVEL_RANGE_DB = 6.0
"""Around the level to which speech is set."""

SILENCE_DBFS = -50.0
"""What a caller sends between utterances must stay well below any threshold of speech."""

_LEVELLED_ROLES = frozenset(Role) - SOUNDLESS_ROLES - SOUND_ROLES - {Role.SIDE_TALK}
"""Clips of somebody speaking into the microphone."""


class Finding(NamedTuple):
    """Something wrong with one file of a corpus."""

    file: str
    problem: str


def check_corpus(folder: Path) -> list[Finding]:
    """All that is wrong with a corpus, in the manifest's order; empty where nothing is.

    Labels are recomputed where the manifest was labelled by this version's rule.
    Raises UsageError where there is no manifest, or none that can be read.
    """
    manifest = read_manifest(folder)
    findings = []
    for entry in manifest.clips:
        findings += [Finding(entry.file, problem) for problem in _check_clip(folder, entry, manifest)]
    listed = {entry.file for entry in manifest.clips}
    present = sorted(path.relative_to(folder).as_posix() for path in (folder / CLIPS_FOLDER).glob("*"))
    return findings + [Finding(file, "is not in the manifest") for file in present if file not in listed]


def _check_clip(folder: Path, entry: ClipEntry, manifest: Manifest) -> list[str]:
    path = folder / entry.file
    try:
        samples = read_clip(path, manifest.rate_hz)
    except UsageError as error:
        return [str(error).removeprefix(f"{path}: ")]
    problems = [] if file_sha256(path) == entry.sha256 else ["its sha256 is not the manifest's"]
    if len(samples) != entry.samples:
        problems.append(f"has {len(samples)} samples, the manifest says {entry.samples}")
    disorder = _disorder(entry, manifest.rate_hz)
    if disorder:
        problems.append(disorder)
    elif manifest.labelled_by == RULE:
        problems += _mislabelled(entry, label(samples, manifest.rate_hz, entry.role), manifest.rate_hz)
    return problems + _clipping(samples) + _level(samples, entry.role, manifest.rate_hz)


def _disorder(entry: ClipEntry, rate_hz: int) -> str:
    """What makes the labels impossible, whatever the audio is."""
    edges = [
        entry.speech.start,
        *(edge for hold in entry.holds for edge in (hold.start, hold.end)),
        entry.speech.end,
    ]
    if entry.speech.end > entry.samples:
        return f"its speech ends at sample {entry.speech.end}, after the clip's last, {entry.samples}"
    if edges != sorted(edges):
        return "its labels are not in order: speech start, holds one after the other, speech end"
    shortest = min((hold.end - hold.start for hold in entry.holds), default=rate_hz)
    if shortest * 1000 < HOLD_MS * rate_hz:
        return f"has a hold of {shortest * 1000 / rate_hz:.0f} ms; a hold has {HOLD_MS} ms or more"
    return ""


def _mislabelled(entry: ClipEntry, labels: Labels, rate_hz: int) -> list[str]:
    def near(left: Span, right: Span) -> bool:
        error = max(abs(left.start - right.start), abs(left.end - right.end))
        return error * 1000 <= LABEL_TOLERANCE_MS * rate_hz

    problems = []
    if not near(entry.speech, labels.speech):
        problems.append(
            f"its speech is labelled {_seconds(entry.speech, rate_hz)}, "
            f"the audio says {_seconds(labels.speech, rate_hz)}"
        )
    if len(entry.holds) != len(labels.holds):
        problems.append(f"{len(entry.holds)} holds are labelled, the audio has {len(labels.holds)}")
    else:
        problems += [
            f"a hold is labelled {_seconds(hold, rate_hz)}, the audio says {_seconds(heard, rate_hz)}"
            for hold, heard in zip(entry.holds, labels.holds, strict=True)
            if not near(hold, heard)
        ]
    return problems


def _clipping(samples: Samples) -> list[str]:
    clipped = int(np.count_nonzero((samples >= FULL_SCALE - 1) | (samples == -FULL_SCALE)))
    if clipped <= CLIPPED_SHARE * len(samples):
        return []
    return [f"is clipped: {clipped} of {len(samples)} samples are at full scale"]


def _level(samples: Samples, role: Role, rate_hz: int) -> list[str]:
    if role is Role.SILENCE:
        level = level_dbfs(samples)
        return [f"is not silent: {level:.0f} dBFS"] if level > SILENCE_DBFS else []
    level = speech_level_dbfs(samples, rate_hz)
    if role in _LEVELLED_ROLES and abs(level - SPEECH_LEVEL_DBFS) > LEVEL_RANGE_DB:
        wanted = f"{SPEECH_LEVEL_DBFS:.0f} +- {LEVEL_RANGE_DB:.0f} dBFS"
        return [f"its speech level is {level:.0f} dBFS, should be {wanted}"]
    return []


def _seconds(span: Span, rate_hz: int) -> str:
    return f"{span.start / rate_hz:.3f}-{span.end / rate_hz:.3f} s"
