"""The search against the emulator's own limits in virtual time, for calls that come independently of each other.

The knees are those of Erlang's and Engset's formulas and of the Poisson distribution, which hold whatever the
lengths of calls. A step sees 6,000 calls, hours of them: what a search in real time has no time for
(`tests/benchmarks/bench_capacity.py` is about that one).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from scipy import stats

from rtbench.analysis.capacity_search import Judgement, SearchPlan, search
from rtbench.analysis.erlang import engset, load_carried
from rtbench.emulator.capacity import Capacity, Occupancy

CALL_S, IDLE_S = 4.0, 1.0
CALLS = 6000
NS = 1_000_000_000

Outcome = tuple[bool, float]
"""Whether a call, or an answer, was served, and what the sessions added to its delay in ms."""


def simulate(limits: Capacity, seed: int, *, callers: int = 0, rate: float = 0.0) -> list[Outcome]:
    """Calls with this service: of so many callers, who call again after a pause, or at a rate."""
    rng, occupancy = random.Random(seed), Occupancy()
    order = itertools.count()
    events: list[tuple[float, int, str]] = []

    def put(at_s: float, what: str) -> None:
        heapq.heappush(events, (at_s, next(order), what))

    for _ in range(callers):
        put(rng.expovariate(1 / IDLE_S), "call")
    if rate:
        put(rng.expovariate(rate), "arrival")
    outcomes: list[Outcome] = []
    while len(outcomes) < CALLS:
        at_s, _, what = heapq.heappop(events)
        if what == "end":
            occupancy.leave()
        if what == "arrival":
            put(at_s + rng.expovariate(rate), "arrival")
        length_s = rng.uniform(0.5, 1.5) * CALL_S
        if what in ("call", "arrival"):
            place = occupancy.take_slot(limits, round(at_s * NS), lambda s=length_s: round(s * NS))
            served = occupancy.has_room(limits) and place is not None
            if served:
                occupancy.enter()
                put(at_s + length_s, "end")
            outcomes.append((served, occupancy.slow_down_ms(limits)))
            if what == "call":
                put(at_s + (length_s if served else 0.0) + rng.expovariate(1 / IDLE_S), "call")
    return outcomes[CALLS // 10 :]


def served(outcomes: list[Outcome]) -> bool:
    """The SLO: 95 % of calls."""
    return sum(good for good, _ in outcomes) >= 0.95 * len(outcomes)


def soon(outcomes: list[Outcome]) -> bool:
    """The SLO: 95 % of answers with less than 300 ms added."""
    delays = sorted(added for _, added in outcomes)
    return delays[int(0.95 * len(delays))] < 300


def knee(limits: Capacity, slo: Callable[[list[Outcome]], bool], *, open_load: bool) -> float:
    """What the search finds."""
    seeds = itertools.count(1)
    first, most = (1.0, 40.0) if open_load else (5.0, 200.0)
    course = search(SearchPlan(first, most, whole=not open_load, repeats=2))
    trial = next(course)
    while True:
        load: dict[str, Any] = {"rate": trial.level} if open_load else {"callers": round(trial.level)}
        holds = slo(simulate(limits, next(seeds), **load))
        try:
            trial = course.send(Judgement.HOLDS if holds else Judgement.BREAKS)
        except StopIteration as over:
            assert over.value.ending == "edge"
            level: float = over.value.level
            return level


def most_callers(places: int) -> int:
    """By Engset's formula: the most of whom at most 5 % of calls are refused."""
    return max(callers for callers in range(1, 300) if engset(callers, places, CALL_S / IDLE_S) <= 0.05)


@pytest.mark.parametrize("limits", [{"sessions": 20}, {"slots": 20}, {"sessions": 45}])
def test_calls_that_come_by_themselves_are_refused_by_erlangs_formula(limits: dict[str, Any]) -> None:
    (places,) = limits.values()
    known = load_carried(places, 0.05) / CALL_S
    assert knee(Capacity.model_validate(limits), served, open_load=True) == pytest.approx(known, rel=0.1)


@pytest.mark.parametrize("limits", [{"sessions": 20}, {"slots": 20}, {"sessions": 45}])
def test_callers_who_call_again_are_refused_by_engsets_formula(limits: dict[str, Any]) -> None:
    (places,) = limits.values()
    found = knee(Capacity.model_validate(limits), served, open_load=False)
    assert found == pytest.approx(most_callers(places), rel=0.1)


SLOW = Capacity.model_validate({"slow_down": {"above": 20, "per_session": "15 ms"}})
"""300 ms are added at 40 sessions, so 39 are the most."""


def test_answers_become_slow_where_the_sessions_of_an_open_load_become_too_many() -> None:
    # A call finds as many others as Poisson's distribution says (arrivals see time averages), and is one itself.
    loads = [tenth / 10 for tenth in range(100, 500)]
    known = max(load for load in loads if stats.poisson.cdf(38, load) >= 0.95) / CALL_S
    assert knee(SLOW, soon, open_load=True) == pytest.approx(known, rel=0.1)


def test_answers_become_slow_where_too_many_callers_are_in_calls() -> None:
    # Of the others each is in a call for 4 s of 5.
    busy = CALL_S / (CALL_S + IDLE_S)
    known = max(callers for callers in range(20, 100) if stats.binom.cdf(38, callers - 1, busy) >= 0.95)
    assert knee(SLOW, soon, open_load=False) == pytest.approx(known, rel=0.1)
