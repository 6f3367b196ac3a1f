"""The search against the emulator's own limits in virtual time, for calls that come independently of each other.

The knees are those of Erlang's and Engset's formulas and of the Poisson distribution, which hold whatever the
lengths of calls. A step sees thousands of calls, hours of them: what a search in real time has no time for
(`tests/benchmarks/bench_capacity.py` is about that one).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from scipy import stats

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.capacity_search import Judgement, SearchPlan, Trial, search
from rtbench.analysis.capacity_step import StepResult, measure_step
from rtbench.analysis.erlang import engset, load_carried
from rtbench.emulator.capacity import Capacity, Occupancy
from rtbench.results.reader import part_of_run
from rtbench.results.run_directory import RunDirectory
from rtbench.scenario.threshold import parse_threshold

CALL_S, IDLE_S = 4.0, 1.0
CALLS = 6000
NS = 1_000_000_000

Outcome = tuple[bool, float]
"""Whether a call, or an answer, was served, and what the sessions added to its delay in ms."""


def simulate(
    limits: Capacity, seed: int, *, callers: int = 0, rate: float = 0.0, calls: int = CALLS
) -> list[Outcome]:
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
    while len(outcomes) < calls:
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
    return outcomes[calls // 10 :]


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


JUDGED_CALLS = 2500
"""Rows cost more than bare outcomes."""

BASE_MS = 500.0
SLOS = tuple(map(parse_threshold, ("session_success_rate:rate>=0.95", "voice_to_voice_ms:p50<800")))
REFUSES_FIRST = {"sessions": 30, "slow_down": {"above": 20, "per_session": "35 ms"}}
"""The median of waits is beyond its limit once every other call finds 28 of the 30 places taken: long after every
twentieth finds none."""

SLOWS_FIRST = {"sessions": 60, "slow_down": {"above": 20, "per_session": "15 ms"}}
"""At 40 sessions the median is at its limit, with room for 20 more."""


def step(limits: Capacity, trial: Trial, seed: int, *, open_load: bool) -> StepResult:
    """A load as it is judged in a search, by both SLOs, from the rows that its calls leave."""
    load: dict[str, Any] = {"rate": trial.level} if open_load else {"callers": round(trial.level)}
    outcomes = simulate(limits, seed, calls=JUDGED_CALLS, **load)
    sessions = [{"session": "s", "session_success": float(good), "errors": "{}"} for good, _ in outcomes]
    turn = {"session": "s", "at_unix_ns": 0, "outcome": "answered", "expects_answer": True, "void": False}
    turns = [turn | {"voice_to_voice_ms": BASE_MS + added} for good, added in outcomes if good]
    lateness = HdrHistogram(1, 60_000_000, 3)
    lateness.record_value(300)
    second = {"worker": "w0", "at_unix_ns": 0, "interval_ms": 1000.0, "sessions": 1, "cpu_share": 0.2}
    second |= {
        "loop_lag_max_ms": 1.0,
        "frames_sent": 25,
        "rss_bytes": 1,
        "rows_written": 0,
        "send_lateness": lateness.encode().decode(),
    }
    rows = {"sessions": sessions, "turns": turns, "generator": [second]}
    return measure_step(part_of_run(RunDirectory(Path()), {}, rows), trial, 0, 3600.0, SLOS)


def searched(limits: Capacity, *, open_load: bool) -> CapacityResult:
    """What a search by both SLOs comes to."""
    steps: list[StepResult] = []
    first, most = (1.0, 40.0) if open_load else (5.0, 200.0)
    course = search(SearchPlan(first, most, whole=not open_load, repeats=1))
    trial = next(course)
    while True:
        steps.append(step(limits, trial, len(steps) + 1, open_load=open_load))
        try:
            trial = course.send(steps[-1].judgement)
        except StopIteration as over:
            found = over.value
            return CapacityResult("made up", "emulator", "websocket", open_load, SLOS, found, tuple(steps))


def callers_with_free_places() -> float:
    return most_callers(30)


def callers_soon_answered() -> float:
    """The most of whom every other call finds fewer than 39 others in calls."""
    busy = CALL_S / (CALL_S + IDLE_S)
    return max(callers for callers in range(20, 100) if stats.binom.cdf(38, callers - 1, busy) >= 0.5)


def rate_with_free_places() -> float:
    return load_carried(30, 0.05) / CALL_S


def rate_soon_answered() -> float:
    loads = [tenth / 10 for tenth in range(100, 600)]
    return max(load for load in loads if stats.poisson.cdf(38, load) >= 0.5) / CALL_S


@pytest.mark.parametrize("open_load", [False, True], ids=["callers", "rate"])
@pytest.mark.parametrize("refuses", [True, False], ids=["refuses first", "slows first"])
def test_of_two_slos_the_one_that_binds_is_named(refuses: bool, open_load: bool) -> None:
    limits = Capacity.model_validate(REFUSES_FIRST if refuses else SLOWS_FIRST)
    knees = (
        (rate_with_free_places, rate_soon_answered)
        if open_load
        else (callers_with_free_places, callers_soon_answered)
    )
    result = searched(limits, open_load=open_load)
    known = knees[not refuses]()
    assert (result.found.ending, result.found.level) == ("edge", pytest.approx(known, rel=0.1))
    first = result.first_to_break
    assert first is not None
    assert first[1].threshold == SLOS[not refuses]
    assert (
        f"the first to break is {'session_success_rate' if refuses else 'voice_to_voice_ms p50'} ("
        in result.sentence
    )
    # Further up neither holds, so that it is the search that tells them apart.
    beyond = step(limits, Trial(round(2 * known), "step up"), 0, open_load=open_load)
    assert len(beyond.broken) == 2
