"""Which step may follow which: what is spoken into an answer needs one, and a listen that hears it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from rtbench.scenario.clip_choice import Sounding
from rtbench.scenario.disturbances import Disturbance
from rtbench.scenario.drop import Drop
from rtbench.scenario.fault import KeyPath, fault
from rtbench.scenario.interruptions import PushToTalk
from rtbench.scenario.speech import Speech
from rtbench.scenario.steps import Choose, Listen, Repeat, StaySilent, Step, leaves


class _Place(Enum):
    """Where in a turn a conversation is."""

    BETWEEN = "no answer is to come"
    ASKED = "an answer is to come"
    SPOKEN_INTO = "an answer was spoken into, and not heard out"


_NO_ANSWER = "there is no answer to speak into here; it stands between a say and its listen"
_NO_ANSWER_TO_LOSE = "there is no answer to lose here; it stands between a say and its listen, or is idle"
_NOT_HEARD = "needs a listen before it, as the answer that was spoken into has not been heard out"
_NOT_SILENT = "a sound into silence cannot stand between a say and its listen"
_NO_LISTEN = "ends in the middle of an answer; what is spoken into an answer is followed by a listen"


def check_order(steps: Sequence[Step]) -> None:
    """See that every way through the steps makes sense.

    Raises a pydantic error that leads from the list of steps to the first one that is out of place.
    """
    if _Place.SPOKEN_INTO in _walk(steps, {_Place.BETWEEN}, ()):
        raise fault(_NO_LISTEN, len(steps) - 1)


def check_turn_taking(steps: Sequence[Step], manual_turns: bool) -> None:
    """See that no button is pressed where the service ends the turns by itself.

    Raises a pydantic error that leads from the scenario to the step.
    """
    for keys, step in leaves(steps):
        if isinstance(step, PushToTalk) and not manual_turns:
            raise fault("is for sessions without turn detection (turn_detection: none)", *keys, step.kind)


def _walk(steps: Iterable[Step], places: set[_Place], above: KeyPath) -> set[_Place]:
    """Where a conversation may be after the steps, if it is at one of `places` before them."""
    for position, step in enumerate(steps):
        keys = (*above, position)
        match step:
            case Repeat(repeat=group):
                entered, places = places, _walk(group.steps, places, (*keys, "repeat", "steps"))
                while group.times > 1 and not places <= entered:
                    entered = entered | places
                    places = _walk(group.steps, entered, (*keys, "repeat", "steps"))
            case Choose(choose=branches):
                ways = [
                    _walk(branch.steps, places, (*keys, "choose", number, "steps"))
                    for number, branch in enumerate(branches)
                ]
                places = set().union(*ways)
            case _:
                places = {_next(step, place, keys) for place in places}
    return places


def _next(step: Step, place: _Place, keys: KeyPath) -> _Place:
    match step:
        case Listen():
            return _Place.BETWEEN
        case Sounding() if step.moment is not None:
            return _spoken_into(place, (*keys, step.kind))
        case Disturbance() if place is not _Place.BETWEEN:
            raise fault(_NOT_SILENT, *keys, step.kind)
        case Speech():
            return _heard_out(_Place.ASKED, place, (*keys, step.kind))
        case Drop() if step.drop.when in ("before_answer", "mid_answer") and place is _Place.BETWEEN:
            raise fault(_NO_ANSWER_TO_LOSE, *keys, "drop", "when")
        case StaySilent():
            return _heard_out(_Place.BETWEEN, place, (*keys, "stay_silent"))
        case _:
            return place


def _spoken_into(place: _Place, keys: KeyPath) -> _Place:
    if place is _Place.BETWEEN:
        raise fault(_NO_ANSWER, *keys)
    return _Place.SPOKEN_INTO


def _heard_out(then: _Place, place: _Place, keys: KeyPath) -> _Place:
    if place is _Place.SPOKEN_INTO:
        raise fault(_NOT_HEARD, *keys)
    return then
