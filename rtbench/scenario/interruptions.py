"""Steps in which the caller takes the turn away from the agent: interrupt, overlap and push_to_talk."""

from __future__ import annotations

from typing import Annotated

from rtbench.core.script import Moment
from rtbench.corpus.manifest import Role
from rtbench.scenario.clip_choice import ClipChoice, Sounding, written_as
from rtbench.scenario.in_answer import DEFAULT_MOMENT, InAnswer
from rtbench.scenario.speech import Speech, Utterance

TOGETHER = Moment(heard_ns=0)
"""With the first sound of the answer."""


class Interruption(ClipChoice, InAnswer):
    """What the caller says into the answer, and when."""


class Interrupt(Sounding):
    """Speak into the answer, and take the turn; between a say and its listen, which then hears the new answer."""

    interrupt: Annotated[Interruption, written_as(Interruption, Role.INTERRUPTION)]
    """A clip's name, or {clip, role, voice, any_of, heard, fraction, after, level}; any interruption where none is
    chosen."""

    @property
    def moment(self) -> Moment:
        return self.interrupt.moment or DEFAULT_MOMENT


class Overlap(Sounding):
    """Begin to speak together with the agent, as two people do after a silence."""

    overlap: Annotated[ClipChoice, written_as(ClipChoice, Role.INTERRUPTION)]
    """A clip's name, or {clip, role, voice, any_of, level}; any interruption where none is chosen."""

    @property
    def moment(self) -> Moment:
        return TOGETHER


class PushedUtterance(Utterance, InAnswer):
    """What the caller says with the button held down; with a moment, into the answer."""


class PushToTalk(Speech):
    """Press the button, speak, release it: only in sessions without turn detection.

    With a moment the answer is cancelled by hand first; without one it is an utterance as any other.
    """

    push_to_talk: Annotated[PushedUtterance, written_as(PushedUtterance)]
    """A clip's name, or {clip, role, voice, any_of, heard, fraction, after, level}."""

    @property
    def moment(self) -> Moment | None:
        return self.push_to_talk.moment
