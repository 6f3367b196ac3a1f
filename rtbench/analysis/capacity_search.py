"""The search for a service's capacity: which load to try next, from how those before it went. Pure.

It steps up until something breaks, halves the span between what held and what broke until that is within
the resolution, walks to the edge again as often as is asked for, so that its scatter is known, and
holds the answer for longer at the end. The generator's own limit ends it without an answer.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Generator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

Phase = Literal["step up", "bisect", "repeat", "soak"]


class Judgement(StrEnum):
    """How a step went."""

    HOLDS = "holds"
    BREAKS = "breaks"
    UNKNOWN = "too few samples"
    GENERATOR = "generator"
    """This machine could not make the load: it says nothing of the service."""


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


Ending = Literal["edge", "most", "generator", "samples", "nothing_holds", "budget"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the search came to."""

    ending: Ending
    """Why it ended.

    edge: between a load that held and one that broke an SLO; most: everything that was allowed held;
    generator: this machine's own limit came first; samples: too few turns came to an end to judge by;
    nothing_holds: not even the smallest load; budget: what may be spent was spent before the end.
    """

    level: float | None
    """The highest load that is known to hold; None where none is."""

    margin: float = 0.0
    """Half the scatter of the edges, or the resolution where that is more. Only for an edge."""

    edges: tuple[float, ...] = ()
    """The highest load that held, each time that it was looked for."""

    confirmed: bool = False
    """Whether it also held for longer."""

    stopped_at: float | None = None
    """The load at which the generator's limit or the lack of samples showed."""


Search = Generator[Trial, Judgement, Found]


class _Stopped(Exception):
    """The search cannot go on."""

    def __init__(self, judgement: Judgement, level: float, held: float | None) -> None:
        super().__init__(judgement)
        self.judgement, self.level, self.held = judgement, level, held


def search(plan: SearchPlan) -> Search:
    """Yields the loads to try, each to be answered by `send(judgement)`; returns what was found."""
    try:
        return (yield from _search(plan))
    except _Stopped as stopped:
        ending: Ending = "generator" if stopped.judgement is Judgement.GENERATOR else "samples"
        return Found(ending, stopped.held, stopped_at=stopped.level)


def rehearse(plan: SearchPlan, edge: float) -> list[Trial]:
    """What would be tried, did everything up to this load hold and nothing above it."""
    course, tried = search(plan), []
    with contextlib.suppress(StopIteration):
        trial = next(course)
        while True:
            tried.append(trial)
            trial = course.send(Judgement.HOLDS if trial.level <= edge else Judgement.BREAKS)
    return tried


def _search(plan: SearchPlan) -> Search:
    held, broken = yield from _climb(plan)
    if broken is None:
        confirmed = (yield from _try(plan, plan.most, "soak", plan.most)) is Judgement.HOLDS
        if confirmed:
            return Found("most", plan.most, edges=(plan.most,), confirmed=True)
        broken = plan.most
    held = yield from _bisect(plan, held or 0.0, broken)
    if not held:
        return Found("nothing_holds", None)
    edges = [held]
    for _ in range(plan.repeats - 1):
        edge = yield from _walk(plan, edges[-1])
        edges.append(edge or plan.step(held))
    answer = _found(plan, edges)
    return (yield from _confirm(plan, answer))


def _climb(plan: SearchPlan) -> Generator[Trial, Judgement, tuple[float | None, float | None]]:
    """The last load that held and the first that broke; None where there is none."""
    held, level = None, min(plan.rounded(plan.first), plan.most)
    while True:
        if (yield from _try(plan, level, "step up", held)) is Judgement.BREAKS:
            return held, level
        held = level
        if level >= plan.most:
            return held, None
        level = plan.above(level)


def _bisect(plan: SearchPlan, held: float, broken: float) -> Generator[Trial, Judgement, float]:
    """The highest load that holds between these, to the resolution; 0 where none does."""
    while broken - held > plan.step(broken) * 1.0001:
        middle = plan.rounded((held + broken) / 2)
        if not held < middle < broken:
            break
        if (yield from _try(plan, middle, "bisect", held or None)) is Judgement.HOLDS:
            held = middle
        else:
            broken = middle
    return held


def _walk(plan: SearchPlan, edge: float) -> Generator[Trial, Judgement, float]:
    """The edge looked for anew from where it was: up while it holds, else down until it does; 0 where nothing does."""
    level, step = edge, plan.step(edge)
    if (yield from _try(plan, level, "repeat", None)) is Judgement.HOLDS:
        while level < plan.most:
            above = min(plan.most, plan.rounded(level + step))
            if (yield from _try(plan, above, "repeat", level)) is not Judgement.HOLDS:
                break
            level = above
        return level
    while (level := plan.rounded(level - step)) > 0:
        if (yield from _try(plan, level, "repeat", None)) is Judgement.HOLDS:
            return level
    return 0.0


def _confirm(plan: SearchPlan, found: Found) -> Search:
    """Hold it for longer, and less where that breaks."""
    level = found.level or 0.0
    lowest = level / 2
    while level > lowest:
        if (yield from _try(plan, level, "soak", level)) is Judgement.HOLDS:
            margin = max(found.margin, (found.level or level) - level)
            return replace(found, level=level, margin=margin, confirmed=True)
        level = plan.rounded(level - plan.step(level))
    return replace(found, confirmed=False)


def _found(plan: SearchPlan, edges: list[float]) -> Found:
    level = plan.rounded(statistics.median_low(edges))
    margin = max(plan.step(level), (max(edges) - min(edges)) / 2)
    return Found("edge", level, margin=margin, edges=tuple(edges))


def _try(
    plan: SearchPlan, level: float, phase: Phase, held: float | None
) -> Generator[Trial, Judgement, Judgement]:
    """One load. Too few samples above a load that had enough are the service's doing: it breaks there."""
    judgement = yield Trial(level, phase)
    if judgement is Judgement.UNKNOWN and held is not None:
        return Judgement.BREAKS
    if judgement in (Judgement.GENERATOR, Judgement.UNKNOWN):
        raise _Stopped(judgement, level, held)
    return judgement
