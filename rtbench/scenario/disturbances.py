"""Steps in which the caller makes a sound that must not take the turn: backchannels, coughs, noise and the like."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, model_validator

from rtbench.core.script import Moment
from rtbench.corpus.manifest import Role
from rtbench.scenario.clip_choice import ClipChoice, Sounding, written_as
from rtbench.scenario.fault import fault
from rtbench.scenario.in_answer import DEFAULT_MOMENT, InAnswer


class Sound(ClipChoice, InAnswer):
    """A sound, and when it is made; any clip of the step's own role where none is chosen."""

    silent: bool = False
    """While the agent is silent, in place of a moment of its answer."""

    @model_validator(mode="after")
    def _silent_or_in_answer(self) -> Sound:
        if self.silent and self.moment is not None:
            raise fault("give a moment of the answer or silent, not both", "silent")
        return self


class Disturbance(Sounding):
    """A step that makes a sound: into the answer, between a say and its listen, or else into silence."""

    @property
    def moment(self) -> Moment | None:
        """When in the answer; None for a sound into silence."""
        sound: Sound = getattr(self, self.kind)
        return None if sound.silent else sound.moment or DEFAULT_MOMENT


def _any(role: Role) -> BeforeValidator:
    return written_as(Sound, role)


class Backchannel(Disturbance):
    """Show that one listens: uh-huh, okay, I see."""

    backchannel: Annotated[Sound, _any(Role.BACKCHANNEL)]
    """Nothing, a clip's name, or {clip, voice, any_of, heard, fraction, after, silent, level}."""


class Cough(Disturbance):
    """Cough."""

    cough: Annotated[Sound, _any(Role.COUGH)]
    """Nothing, a clip's name, or {clip, any_of, heard, fraction, after, silent, level}."""


class Noise(Disturbance):
    """Noise around the caller: a street, a crowd."""

    noise: Annotated[Sound, _any(Role.NOISE)]
    """Nothing, a clip's name, or {clip, any_of, heard, fraction, after, silent, level}."""


class SideTalk(Disturbance):
    """Somebody speaks beside the caller, and not to the agent."""

    side_talk: Annotated[Sound, _any(Role.SIDE_TALK)]
    """Nothing, a clip's name, or {clip, voice, any_of, heard, fraction, after, silent, level}."""


class Click(Disturbance):
    """A click or a knock, shorter than any word."""

    click: Annotated[Sound, _any(Role.CLICK)]
    """Nothing, a clip's name, or {clip, any_of, heard, fraction, after, silent, level}."""


class Tone(Disturbance):
    """A key of a telephone, as the audio carries it."""

    tone: Annotated[Sound, _any(Role.TONE)]
    """Nothing, a clip's name, or {clip, any_of, heard, fraction, after, silent, level}."""
