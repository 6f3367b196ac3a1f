"""What a capacity search is to hold: the SLOs, the span of loads, and for how long each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtbench.analysis.capacity_search import SearchPlan
from rtbench.load.reference import ReferenceCall
from rtbench.scenario.threshold import Threshold
from rtbench.scenario.threshold_metric import measured_on


@dataclass(frozen=True, slots=True)
class StepTimes:
    """How long a load is held, in seconds."""

    reach_s: float = 5.0
    """From one load to the next, callers coming or going evenly."""

    settle_s: float = 5.0
    """Before it is measured, at least; a call's length where sessions or arrivals are judged."""

    hold_s: float = 15.0
    """Measured, at least."""

    longest_s: float = 180.0
    """Measured, at most: then there are too few samples."""

    samples: float = 2.0
    """Measured until there are so many times the samples that an SLO's statistic needs."""

    soak: float = 3.0
    """The last one is held so many times as long, with as many times the samples."""


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """What is searched, and how."""

    slos: tuple[Threshold, ...]
    search: SearchPlan
    scenario: str
    transport: str
    most_users: int
    open_load: bool = False
    arrivals: Literal["poisson", "constant"] = "poisson"
    """Of an open load."""

    times: StepTimes = StepTimes()
    seed: int = 1
    tolerant: bool = False
    """Steps with a SUSPECT verdict count."""

    reference: ReferenceCall | None = None
    """One more caller, in a process of its own. In a closed load it is one of those that a level counts."""

    @property
    def sees_sessions(self) -> bool:
        """Whether calls are judged or begun, so that a load settles only once those of the load before have ended."""
        return self.open_load or any(measured_on(slo.metric) == "sessions" for slo in self.slos)
