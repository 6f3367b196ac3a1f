"""The search for a service's capacity: which load to try next, from how those before it went. Pure.

It steps up until something breaks, halves the span between what held and what broke until that is within
the resolution, walks to the edge again as often as is asked for, so that its scatter is known, and
holds the answer for longer at the end: what does not last is no answer. Nor is there one where the
generator's own limit, or that of what it was allowed, comes first.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Phase = Literal["step up", "bisect", "repeat", "soak"]

LOWEST_SHARE = 0.1
"""Of the first rate, to which a search goes down: halved for ever, a rate never comes to nothing as callers do."""


class Judgement(StrEnum):
    """How a step went."""

    HOLDS = "holds"
    BREAKS = "breaks"
    UNKNOWN = "too few samples"
    GENERATOR = "generator"
    """This machine could not make the load: it says nothing of the service."""

    CAP = "cap"
    """As many calls as are allowed at a time were under way, and held: the load that was asked for was not made."""

    @property
    def tells(self) -> bool:
        """Whether it says anything of the service."""
        return self not in (Judgement.GENERATOR, Judgement.CAP)


@dataclass(frozen=True, slots=True)
class Trial:
    """A load to be held."""

    level: float
    """Callers at a time, or calls per second."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Where to look, and how closely."""

    first: float
    most: float
    growth: float = 1.5
    """Each step up is so many times the one before."""

    resolution: float = 0.05
    """Width of the last span as a share of its upper end; of whole callers, one at least."""

    whole: bool = True
    """Levels are callers, not a rate."""

    repeats: int = 3
    """How often the edge is looked for, the first time included."""

    @property
    def lowest(self) -> float:
        """No load below it is tried: one caller, or a share of the first rate."""
        return 1.0 if self.whole else self.rounded(self.first * LOWEST_SHARE)

    def step(self, level: float) -> float:
        """The resolution at a level."""
        width = level * self.resolution
        return max(1.0, float(round(width))) if self.whole else width

    def rounded(self, level: float) -> float:
        """A level that can be tried."""
        return float(math.floor(level)) if self.whole else float(f"{level:.4g}")

    def above(self, level: float) -> float:
        """The next step up."""
        return min(self.most, max(self.rounded(level * self.growth), self.rounded(level + self.step(level))))


Ending = Literal["edge", "most", "unconfirmed", "generator", "cap", "samples", "nothing_holds", "budget"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the search came to."""

    ending: Ending
    """Why it ended.

    edge: between a load that held and one that broke an SLO; most: everything that was allowed held;
    unconfirmed: what held did not do so again, or for longer, nor did less; generator: this machine's
    own limit came first; cap: the calls allowed at a time were too few for the load; samples: too few
    turns came to an end to judge by; nothing_holds: not even the smallest load; budget: what may be
    spent was spent before the end.
    """

    level: float | None
    """The highest load that is known to hold: below all that broke, where there is no answer. None where none is."""

    margin: float = 0.0
    """Half the scatter of the edges, or the resolution where that is more. Only for an edge."""

    edges: tuple[float, ...] = ()
    """The highest load that held, each time that it was looked for; 0 where none did any more."""

    confirmed: bool = False
    """Whether it also held for longer."""

    stopped_at: float | None = None
    """The load at which the generator's limit, the cap or the lack of samples showed; the lowest one tried in vain for
    an answer that was not confirmed."""


Search = Generator[Trial, Judgement, Found]


class _Stopped(Exception):
    """The search cannot go on."""

    def __init__(self, ending: Ending, level: float) -> None:
        super().__init__(ending)
        self.ending, self.level = ending, level


def search(plan: SearchPlan) -> Search:
    """Yields the loads to try, each to be answered by `send(judgement)`; returns what was found."""
    course = _Course(plan)
    try:
        return (yield from course.search())
    except _Stopped as stopped:
        return Found(stopped.ending, highest_held(course.tried), stopped_at=stopped.level)


def rehearse(plan: SearchPlan, edge: float) -> list[Trial]:
    """What would be tried, did everything up to this load hold and nothing above it."""
    course, tried = search(plan), []
    with contextlib.suppress(StopIteration):
        trial = next(course)
        while True:
            tried.append(trial)
            trial = course.send(Judgement.HOLDS if trial.level <= edge else Judgement.BREAKS)
    return tried


def highest_held(tried: Iterable[tuple[float, Judgement]]) -> float | None:
    """Of loads and how they went: the highest that held, below all that broke; None where none did."""
    tried = list(tried)
    broken = min((level for level, how in tried if how is Judgement.BREAKS), default=math.inf)
    return max((level for level, how in tried if how is Judgement.HOLDS and level < broken), default=None)


class _Course:
    """A search under way, and how all that it has tried so far went."""

    def __init__(self, plan: SearchPlan) -> None:
        self.plan = plan
        self.tried: list[tuple[float, Judgement]] = []

    def search(self) -> Search:
        plan = self.plan
        held, broken = yield from self._climb()
        if broken is None:
            if (yield from self._holds(plan.most, "soak")):
                return Found("most", plan.most, edges=(plan.most,), confirmed=True)
            broken = plan.most
        held = yield from self._bisect(held, broken)
        if not held:
            return Found("nothing_holds", None)
        edges = [held]
        for _ in range(plan.repeats - 1):
            edge = yield from self._walk(held)
            edges.append(edge)
            held = edge or held
        return (yield from self._confirm(edges))

    def _climb(self) -> Generator[Trial, Judgement, tuple[float, float | None]]:
        """The last load that held, 0 where none did, and the first that broke, None where none did."""
        plan, held = self.plan, 0.0
        level = min(plan.rounded(plan.first), plan.most)
        while (yield from self._holds(level, "step up")):
            if level >= plan.most:
                return level, None
            held, level = level, plan.above(level)
        return held, level

    def _bisect(self, held: float, broken: float) -> Generator[Trial, Judgement, float]:
        """The highest load that holds between these, to the resolution; 0 where none does."""
        plan = self.plan
        while broken - held > plan.step(broken) * 1.0001:
            middle = max(plan.lowest, plan.rounded((held + broken) / 2))
            if not held < middle < broken:
                break
            if (yield from self._holds(middle, "bisect")):
                held = middle
            else:
                broken = middle
        return held

    def _walk(self, edge: float) -> Generator[Trial, Judgement, float]:
        """The edge looked for anew from where it was: up while it holds, else down until it does; 0 where nothing does."""
        plan, level, step = self.plan, edge, self.plan.step(edge)
        if (yield from self._holds(level, "repeat")):
            while level < plan.most:
                above = min(plan.most, plan.rounded(level + step))
                if not (yield from self._holds(above, "repeat")):
                    break
                level = above
            return level
        while level > plan.lowest:
            level = max(plan.lowest, plan.rounded(level - step))
            if (yield from self._holds(level, "repeat")):
                return level
        return 0.0

    def _confirm(self, edges: list[float]) -> Search:
        """The middle one of the edges held for longer, and less where that breaks, down to half of it."""
        plan, answer = self.plan, self.plan.rounded(statistics.median_low(edges))
        scatter = max(plan.step(answer), (max(edges) - min(edges)) / 2)
        level = answer
        while level > answer / 2:
            if (yield from self._holds(level, "soak")):
                margin = max(scatter, answer - level)
                return Found("edge", level, margin=margin, edges=tuple(edges), confirmed=True)
            level = plan.rounded(level - plan.step(level))
        lowest, _ = self.tried[-1]
        return Found("unconfirmed", highest_held(self.tried), edges=tuple(edges), stopped_at=lowest)

    def _holds(self, level: float, phase: Phase) -> Generator[Trial, Judgement, bool]:
        """One load. Too few samples where it, or less, had enough are the service's doing: it breaks there."""
        judgement = yield Trial(level, phase)
        if judgement is Judgement.UNKNOWN and any(
            how is Judgement.HOLDS and before <= level for before, how in self.tried
        ):
            judgement = Judgement.BREAKS
        self.tried.append((level, judgement))
        match judgement:
            case Judgement.GENERATOR:
                raise _Stopped("generator", level)
            case Judgement.CAP:
                raise _Stopped("cap", level)
            case Judgement.UNKNOWN:
                raise _Stopped("samples", level)
        return judgement is Judgement.HOLDS
