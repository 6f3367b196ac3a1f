"""How short and how long a scenario's conversation can get, told before it is held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rtbench.scenario.clip_choice import Sounding
from rtbench.scenario.clips import ClipSource, candidates
from rtbench.scenario.disturbances import Disturbance
from rtbench.scenario.drop import Drop, OrderFault
from rtbench.scenario.duration import Duration
from rtbench.scenario.model import Scenario
from rtbench.scenario.network import ChangeNetwork
from rtbench.scenario.steps import Choose, Listen, Pause, Repeat, StaySilent, Step


@dataclass(frozen=True, slots=True)
class Bounds:
    """Fewest and most utterances, and the longest time.

    An answer is taken to last as long as its timeout, since how long an agent speaks is not known
    beforehand; a longer one is heard to its end.
    """

    fewest_utterances: int
    most_utterances: int
    longest: Duration


def conversation_bounds(scenario: Scenario, corpus: ClipSource) -> Bounds:
    """Bounds of one conversation; think time is taken before every utterance."""
    low, high, longest_ns = _bounds(scenario.conversation, scenario, corpus)
    return Bounds(low, high, Duration(longest_ns))


def _bounds(steps: Iterable[Step], scenario: Scenario, corpus: ClipSource) -> tuple[int, int, int]:
    low = high = longest_ns = 0
    for step in steps:
        each = _step_bounds(step, scenario, corpus)
        low, high, longest_ns = low + each[0], high + each[1], longest_ns + each[2]
    return low, high, longest_ns


def _step_bounds(step: Step, scenario: Scenario, corpus: ClipSource) -> tuple[int, int, int]:
    match step:
        case Sounding():
            return _sounding_bounds(step, scenario, corpus)
        case Listen(listen=options):
            return 0, 0, (options.timeout or scenario.answer_timeout).ns
        case Pause(pause=length) | StaySilent(stay_silent=length):
            return 0, 0, length.high.ns
        case Drop() | OrderFault() | ChangeNetwork():
            return 0, 0, 0
        case Repeat(repeat=group):
            low, high, longest_ns = _bounds(group.steps, scenario, corpus)
            return group.times * low, group.times * high, group.times * longest_ns
        case Choose(choose=branches):
            ways = [_bounds(branch.steps, scenario, corpus) for branch in branches]
            lows, highs, lengths = zip(*ways, strict=True)
            return min(lows), max(highs), max(lengths)


def _sounding_bounds(step: Sounding, scenario: Scenario, corpus: ClipSource) -> tuple[int, int, int]:
    """An interruption is left out where the answer ends too soon for it; a disturbance is no utterance."""
    sound_ns = max(corpus.clip(name).duration_ns for name in candidates(step.choice, corpus))
    moment = step.moment
    if moment is not None:
        into_ns = moment.heard_ns or moment.elapsed_ns or 0
        return 0, int(not isinstance(step, Disturbance)), scenario.answer_timeout.ns + into_ns + sound_ns
    if isinstance(step, Disturbance):
        return 0, 0, sound_ns
    return 1, 1, sound_ns + scenario.think_time.high.ns
