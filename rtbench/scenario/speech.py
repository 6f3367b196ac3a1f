"""Steps in which the caller takes a turn that is free: say, hesitate and mumble."""

from __future__ import annotations

from typing import Annotated, ClassVar

from rtbench.corpus.manifest import Role
from rtbench.scenario.clip_choice import ClipChoice, Sounding, written_as
from rtbench.scenario.level import Level

HESITATION_MS = 150
"""Shorter pauses are part of fluent speech: closures of consonants, and the gap after a comma."""


class Utterance(ClipChoice):
    """What the caller says: one clip, or a clip drawn anew each time among several."""

    expects_answer: bool = True
    """Whether silence counts against the agent; false for backchannels, noise and the like."""

    asks_for: str = ""
    """Words that the answer has to hold: a fact that the caller has told before, for `context_retained`."""


class Hesitation(Utterance):
    """An utterance with pauses inside after which the caller goes on."""

    shortest_hold_ns: ClassVar[int] = HESITATION_MS * 1_000_000


class Mumbling(Utterance):
    """An utterance that is hard to hear."""

    level: Level = Level(-20.0)
    """Gain against the clip's own level; -20 dB where none is written."""


class Speech(Sounding):
    """A step that says an utterance."""

    @property
    def utterance(self) -> Utterance:
        """What is said."""
        said: Utterance = getattr(self, self.kind)
        return said


class Say(Speech):
    """Say something."""

    say: Annotated[Utterance, written_as(Utterance)]
    """A clip's name, or {role}, {any_of} or {clip} with options."""


class Hesitate(Speech):
    """Say something with pauses in it that are not the turn's end."""

    hesitate: Annotated[Hesitation, written_as(Hesitation, Role.STATEMENT)]
    """As in say, of clips with labelled pauses of 150 ms or more; a statement where none is chosen."""


class Mumble(Speech):
    """Say something in a low voice."""

    mumble: Annotated[Mumbling, written_as(Mumbling)]
    """As in say; 20 dB below the clip's own level unless a level is written."""
