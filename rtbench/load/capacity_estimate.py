"""What a capacity search may come to in call minutes, and so in money, told before it begins."""

from __future__ import annotations

from rtbench.analysis.capacity_search import Trial, rehearse
from rtbench.load.capacity_plan import CapacityPlan
from rtbench.scenario.estimate import CALL_MINUTES, Estimate, of_search
from rtbench.scenario.model import Scenario

EDGES_REHEARSED = 30
"""Each is the same share above the one before."""


def estimate_search(scenario: Scenario, plan: CapacityPlan) -> Estimate:
    """What a search may come to: rehearsed for edges from the first load to the last, and for none at all, with steps
    as short, and as long, as may be. Steps that are held again, as the generator was late, come on top of it."""
    first, last = plan.search.first, plan.search.most
    edges = [first * (last / first) ** (place / EDGES_REHEARSED) for place in range(EDGES_REHEARSED + 1)]
    courses = [rehearse(plan.search, edge * 1.0001) for edge in edges]
    times = plan.times
    settle_s = max(times.settle_s, times.longest_s) if plan.sees_sessions else times.settle_s
    nothing_holds = rehearse(plan.search, 0.0)
    shortest = min(
        _call_minutes(plan, course, times.settle_s, times.hold_s) for course in (*courses, nothing_holds)
    )
    longest = max(_call_minutes(plan, course, settle_s, times.longest_s) for course in courses)
    return of_search(scenario, shortest, longest)


def _call_minutes(plan: CapacityPlan, course: list[Trial], settle_s: float, held_s: float) -> float:
    """Of a course whose steps settle, and are held, so long each."""
    times, beside = plan.times, plan.open_load and plan.reference is not None
    minutes = 0.0
    for trial in course:
        in_calls = trial.level
        if plan.open_load:
            in_calls = min(float(plan.most_users), trial.level * CALL_MINUTES * 60) + beside
        factor = times.soak if trial.phase == "soak" else 1.0
        minutes += in_calls * (times.reach_s + settle_s + held_s * factor) / 60
    return minutes
