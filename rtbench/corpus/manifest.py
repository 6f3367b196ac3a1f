"""A corpus on disk: a folder of FLAC files and `manifest.json`, which labels every clip."""

from __future__ import annotations

import json
from collections import Counter
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rtbench.core.audio import PCM16
from rtbench.core.errors import UsageError
from rtbench.core.script import Clip

MANIFEST_NAME = "manifest.json"
NS_PER_S = 1_000_000_000


class Role(StrEnum):
    """What a clip is for."""

    QUESTION = "question"
    STATEMENT = "statement"
    LONG_STORY = "long_story"
    YES_NO = "yes_no"
    INTERRUPTION = "interruption"
    BACKCHANNEL = "backchannel"
    COUGH = "cough"
    SIDE_TALK = "side_talk"
    NOISE = "noise"
    CLICK = "click"
    TONE = "tone"
    """A signal of a telephone's keypad."""

    SILENCE = "silence"
    REPLY = "reply"
    """The agent's own words: what the emulator answers with."""


class Span(BaseModel):
    """Samples `start` (inclusive) to `end` (exclusive)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(ge=0)
    end: int = Field(ge=0)


class ClipEntry(BaseModel):
    """One clip: file, words, and labels in samples at the corpus's rate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str
    text: str
    voice: str
    role: Role
    samples: int = Field(gt=0)
    speech: Span
    """First speech sample, and one past the last; for a cough, a click or a tone, of the sound itself.

    Empty, at the clip's end, where there is nothing to be heard out (noise, silence).
    """

    holds: tuple[Span, ...] = ()
    """Every inner pause of 100 ms or more."""

    licence: str
    sha256: str
    """Of the file."""

    @field_validator("file")
    @classmethod
    def _stays_in_folder(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("must be a path inside the corpus's folder")
        return file

    def clip(self, rate_hz: int) -> Clip:
        """The labels as the machines use them, in nanoseconds."""

        def ns(sample: int) -> int:
            return sample * NS_PER_S // rate_hz

        return Clip(
            name=self.name,
            duration_ns=ns(self.samples),
            speech_start_ns=ns(self.speech.start),
            speech_end_ns=ns(self.speech.end),
            holds=tuple((ns(hold.start), ns(hold.end)) for hold in self.holds),
            role=self.role.value,
            voice=self.voice,
            text=self.text,
        )


class Manifest(BaseModel):
    """The labelled clips of a corpus, and the rule that labelled them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    language: str
    rate_hz: int = 24_000
    labelled_by: str
    """The rule that set speech and hold labels, with its numbers."""

    clips: tuple[ClipEntry, ...]


def read_manifest(folder: Path) -> Manifest:
    """Read and validate a corpus's manifest.

    Labels are checked for their types only; `check_corpus` judges them.
    Raises UsageError naming the file, and the line or the key where it can be told.
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"{folder} is not a corpus: it has no {MANIFEST_NAME}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {first_problem(error)}") from None
    _refuse_unusable(manifest, path)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest in one step: a reader sees the old one or the new one."""
    path = folder / MANIFEST_NAME
    draft = path.with_suffix(".json.part")
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def _refuse_unusable(manifest: Manifest, path: Path) -> None:
    if manifest.rate_hz != PCM16.rate_hz:
        raise UsageError(f"{path}: rate_hz: is {manifest.rate_hz}; a corpus is kept at {PCM16.rate_hz} Hz")
    name, count = max(
        Counter(entry.name for entry in manifest.clips).items(), key=lambda item: item[1], default=("", 0)
    )
    if count > 1:
        raise UsageError(f"{path}: clips: the name {name!r} is given to {count} clips")


def first_problem(error: ValidationError) -> str:
    """`clips[3].samples: what is wrong`, and how many problems there are besides."""
    problems = error.errors()
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problems[0]["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    problem = problems[0]["msg"].removeprefix("Value error, ")
    return f"{key.removeprefix('.') + ': ' if key else ''}{problem}{more}"
