"""Which clip a step plays: one by name, or one drawn anew each time, and how loud."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from rtbench.core.script import Moment
from rtbench.corpus.manifest import Role
from rtbench.scenario.block import Block
from rtbench.scenario.fault import fault, shown
from rtbench.scenario.level import Level

_WAYS = ("clip", "role", "any_of")


class ClipChoice(Block):
    """One clip, or a clip drawn anew each time among several."""

    shortest_hold_ns: ClassVar[int] = 0
    """The clip must have a labelled pause of this length or more inside its speech."""

    clip: str | None = None
    """Name of a clip of the corpus."""

    role: Role | None = Field(default=None, strict=False)
    """A clip with this role is drawn."""

    voice: str | None = None
    """Only clips in this voice are drawn; goes with role."""

    any_of: list[str] | None = Field(default=None, min_length=1)
    """One of these clips is drawn."""

    level: Level = Level(0.0)
    """Gain against the clip's own level, such as -6 dB."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> ClipChoice:
        given = [name for name in _WAYS if getattr(self, name) is not None]
        if len(given) != 1:
            also = f", not {' and '.join(given)}" if given else ""
            raise fault(f"needs exactly one of clip, role and any_of{also}")
        if self.voice is not None and self.role is None:
            raise fault("voice goes with role; a named clip has its voice already", "voice")
        return self


class Sounding(Block):
    """A step that plays a clip; its only field, which has the step's name, says which."""

    @property
    def kind(self) -> str:
        """The step's name."""
        (name,) = type(self).model_fields
        return name

    @property
    def choice(self) -> ClipChoice:
        """What is played."""
        chosen: ClipChoice = getattr(self, self.kind)
        return chosen

    @property
    def moment(self) -> Moment | None:
        """When in an answer; None for what is not meant for one."""
        return None


def written_as(block: type[ClipChoice], default_role: Role | None = None) -> BeforeValidator:
    """The short forms of a choice: a bare name is a clip's.

    Where no clip is chosen at all one of `default_role` is drawn, if there is such a role.
    """
    if default_role is None:
        return BeforeValidator(_in_full, json_schema_input_type=str | block)

    def with_default(written: Any) -> Any:
        if written is None:
            return {"role": default_role}
        full = _in_full(written)
        if isinstance(full, dict) and not any(way in full for way in _WAYS):
            return {"role": default_role, **full}
        return full

    return BeforeValidator(with_default, json_schema_input_type=str | block | None)


def _in_full(written: Any) -> Any:
    if isinstance(written, str):
        return {"clip": written}
    if not isinstance(written, dict | ClipChoice):
        raise fault(
            f"must be a clip's name, or one of {{role}}, {{any_of}} and {{clip}}, not {shown(written)}"
        )
    return written
