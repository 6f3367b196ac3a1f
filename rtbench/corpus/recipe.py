"""A recipe: the texts, voices and sounds from which a corpus is synthesised, as YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rtbench.core.errors import UsageError
from rtbench.corpus.manifest import Role, first_problem

RECIPE_NAME = "recipe.yaml"
SPEECH_LEVEL_DBFS = -20.0
"""Where calls are usually levelled: 6 dB above ITU-T P.56's nominal -26 dBov, as microphones with gain control give."""

_PAUSE = re.compile(r"\s*\[(\d+) ms\]\s*")
_NAME = r"^[a-z][a-z0-9_]*$"
_SPEAKING_RATE = Field(default=None, ge=80, le=450)
"""The range of espeak-ng."""


class VoiceRecipe(BaseModel):
    """One voice: a program and the program's own name for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    program: Literal["flite", "espeak-ng"]
    voice: str
    words_per_minute: int | None = _SPEAKING_RATE
    """Speaking rate of espeak-ng; its own 175 where not given. flite speaks at its voices' natural rate."""

    @model_validator(mode="after")
    def _only_espeak_has_a_rate(self) -> Self:
        if self.program == "flite" and self.words_per_minute is not None:
            raise ValueError("words_per_minute is for espeak-ng only")
        return self


def _balanced(text: str) -> str:
    if "[" in _PAUSE.sub("", text) or "]" in _PAUSE.sub("", text):
        raise ValueError("a pause inside a text is written as [600 ms]")
    return text


class SpokenClip(BaseModel):
    """A clip that somebody speaks; `[600 ms]` in the text is a pause of exactly so long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=_NAME)
    role: Role
    voice: str
    text: Annotated[str, AfterValidator(_balanced)] = Field(min_length=1)
    words_per_minute: int | None = _SPEAKING_RATE
    """Speaking rate of this clip, in place of the voice's; espeak-ng only."""

    level_dbfs: float = Field(default=SPEECH_LEVEL_DBFS, ge=-60, le=-10)

    def phrases(self) -> list[str]:
        """The text between the pauses."""
        return _PAUSE.split(self.text)[::2]

    def pauses_ms(self) -> list[int]:
        """The pauses between the phrases, one fewer than these."""
        return [int(pause) for pause in _PAUSE.split(self.text)[1::2]]

    def plain_text(self) -> str:
        """The words as a transcript has them."""
        return _PAUSE.sub(" ", self.text).strip()


class SoundClip(BaseModel):
    """A clip without words: seeded noise in some shape, or the tones of a key of a telephone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=_NAME)
    role: Role
    sound: Literal["cough", "click", "pink_noise", "babble", "room_tone", "dtmf"]
    key: Annotated[str, Field(pattern=r"^[0-9A-D*#]$")] | None = None
    """Which key is pressed; goes with dtmf."""

    duration_ms: int = Field(gt=0, le=60_000)
    level_dbfs: float = Field(default=SPEECH_LEVEL_DBFS, ge=-90, le=-10)

    @model_validator(mode="after")
    def _only_dtmf_has_a_key(self) -> Self:
        if (self.sound == "dtmf") != (self.key is not None):
            raise ValueError("a key goes with dtmf, and dtmf with a key")
        return self


class Recipe(BaseModel):
    """A corpus to be synthesised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    language: str
    licence: str
    seed: int = 1
    """Of the sounds."""

    voices: dict[str, VoiceRecipe] = Field(min_length=1)
    speech: tuple[SpokenClip, ...]
    sounds: tuple[SoundClip, ...] = ()

    @model_validator(mode="after")
    def _names_are_known_and_used_once(self) -> Self:
        seen: set[str] = set()
        for name in [clip.name for clip in self.speech] + [clip.name for clip in self.sounds]:
            if name in seen:
                raise ValueError(f"the name {name!r} is given to two clips")
            seen.add(name)
        for clip in self.speech:
            if clip.voice not in self.voices:
                raise ValueError(
                    f"clip {clip.name!r} has the voice {clip.voice!r}, which is not among voices"
                )
            if clip.words_per_minute is not None and self.voices[clip.voice].program == "flite":
                raise ValueError(f"clip {clip.name!r} has words_per_minute, which is for espeak-ng only")
        return self

    def voice_of(self, clip: SpokenClip) -> VoiceRecipe:
        """The voice that speaks a clip, at the clip's own rate where it has one."""
        voice = self.voices[clip.voice]
        if clip.words_per_minute is None:
            return voice
        return voice.model_copy(update={"words_per_minute": clip.words_per_minute})


def read_recipe(path: Path) -> Recipe:
    """Read and validate a recipe. Raises UsageError naming the file, and the line or the key."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Recipe.model_validate(content)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {first_problem(error)}") from None
