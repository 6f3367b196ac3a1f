"""The search against simulated services, whose capacity is known: no clock, no calls."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from rtbench.analysis.capacity_search import Found, Judgement, SearchPlan, Trial, rehearse, search

HOLDS, BREAKS, UNKNOWN, GENERATOR, CAP = Judgement

Service = Callable[[Trial], Judgement]


def run(plan: SearchPlan, service: Service) -> tuple[Found, list[Trial]]:
    """What is found, and what was tried; fails where a search does not come to an end."""
    trials: list[Trial] = []
    course = search(plan)
    trial = next(course)
    for _ in range(200):
        trials.append(trial)
        try:
            trial = course.send(service(trial))
        except StopIteration as over:
            return over.value, trials
    pytest.fail(f"the search does not end: {trials[:20]}")


def edge_at(knee: float) -> Service:
    return lambda trial: HOLDS if trial.level <= knee else BREAKS


def levels(trials: list[Trial], phase: str) -> list[float]:
    return [trial.level for trial in trials if trial.phase == phase]


def test_it_steps_up_bisects_repeats_and_soaks() -> None:
    found, trials = run(SearchPlan(8, 200, resolution=0.05, repeats=2), edge_at(47))
    assert levels(trials, "step up") == [8, 12, 18, 27, 40, 60]
    assert levels(trials, "bisect") == [50, 45, 47, 48]  # from 47 to 50 is more than the step of 2
    assert levels(trials, "repeat") == [47, 49]
    assert levels(trials, "soak") == [47]
    assert found == Found("edge", 47, margin=2, edges=(47, 47), confirmed=True)


@pytest.mark.parametrize("knee", [1, 2, 5, 9, 17, 40, 83, 199, 640])
def test_the_knee_is_found_to_the_resolution_wherever_it_lies(knee: int) -> None:
    found, trials = run(SearchPlan(5, 1000, resolution=0.05), edge_at(knee))
    assert found.ending == "edge"
    assert found.confirmed
    assert found.level is not None
    assert 0 <= knee - found.level <= max(1, 0.05 * knee + 1)
    assert len(trials) <= 30


@pytest.mark.parametrize("knee", [0.03, 0.31, 2.9, 17.77])
def test_a_rate_is_found_to_the_resolution(knee: float) -> None:
    found, _ = run(SearchPlan(0.2, 50, whole=False), edge_at(knee))
    assert found.level == pytest.approx(knee, rel=0.06)
    assert found.level <= knee


def test_no_load_is_beyond_what_is_allowed() -> None:
    found, trials = run(SearchPlan(5, 30), edge_at(1000))
    assert max(trial.level for trial in trials) == 30
    assert (found.ending, found.level, found.confirmed) == ("most", 30, True)


def test_what_holds_at_first_but_not_for_longer_is_taken_back() -> None:
    def tires(trial: Trial) -> Judgement:
        return HOLDS if trial.level <= (40 if trial.phase == "soak" else 44) else BREAKS

    found, trials = run(SearchPlan(10, 100, resolution=0.05, repeats=1), tires)
    assert found.confirmed
    assert found.level is not None
    assert 38 <= found.level <= 40
    assert levels(trials, "soak")[-1] == found.level
    assert found.margin >= levels(trials, "soak")[0] - found.level


def test_the_most_that_tires_is_searched_below() -> None:
    def tires(trial: Trial) -> Judgement:
        return BREAKS if trial.phase == "soak" and trial.level > 25 else HOLDS

    found, _ = run(SearchPlan(10, 30, resolution=0.05, repeats=1), tires)
    assert (found.ending, found.level, found.confirmed) == ("edge", 25, True)


def test_a_service_that_holds_nothing_is_said_to() -> None:
    found, trials = run(SearchPlan(8, 100), lambda trial: BREAKS)
    assert (found.ending, found.level) == ("nothing_holds", None)
    assert min(trial.level for trial in trials) == 1


def test_the_generators_limit_is_no_capacity() -> None:
    found, _ = run(SearchPlan(8, 100), lambda trial: GENERATOR if trial.level > 20 else HOLDS)
    assert (found.ending, found.level, found.stopped_at) == ("generator", 18, 27)


def test_a_generator_that_fails_in_the_first_step_leaves_nothing_known() -> None:
    found, _ = run(SearchPlan(8, 100), lambda trial: GENERATOR)
    assert (found.ending, found.level, found.stopped_at) == ("generator", None, 8)


def test_too_few_samples_above_a_load_that_had_enough_are_the_services_doing() -> None:
    found, _ = run(SearchPlan(8, 100, repeats=1), lambda trial: UNKNOWN if trial.level > 20 else HOLDS)
    assert (found.ending, found.level) == ("edge", 20)


def test_too_few_samples_from_the_beginning_are_not_judged() -> None:
    found, _ = run(SearchPlan(8, 100), lambda trial: UNKNOWN)
    assert (found.ending, found.level, found.stopped_at) == ("samples", None, 8)


@pytest.mark.parametrize(("how", "ending"), [(GENERATOR, "generator"), (CAP, "cap")])
def test_what_held_is_known_wherever_a_limit_other_than_the_services_shows(
    how: Judgement, ending: str
) -> None:
    def busy_from(phase: str) -> Service:
        return lambda trial: how if trial.phase == phase else edge_at(47)(trial)

    plan = SearchPlan(8, 200, repeats=2)
    for phase, known, stopped in (("bisect", 40, 50), ("repeat", 47, 47), ("soak", 47, 47)):
        found, _ = run(plan, busy_from(phase))
        assert (found.ending, found.level, found.stopped_at) == (ending, known, stopped)


def test_a_limit_after_a_load_that_broke_leaves_what_held_below_it() -> None:
    """47 held once, broke in the repeat, and at 45 the machine was busy: 45 held when it was first tried."""

    def service(trial: Trial) -> Judgement:
        if trial.phase == "repeat":
            return BREAKS if trial.level == 47 else GENERATOR
        return edge_at(47)(trial)

    found, _ = run(SearchPlan(8, 200, repeats=2), service)
    assert (found.ending, found.level, found.stopped_at) == ("generator", 45, 45)


def test_too_few_samples_at_a_load_that_had_enough_are_the_services_doing() -> None:
    found, trials = run(
        SearchPlan(8, 200, repeats=2),
        lambda trial: UNKNOWN if trial.phase == "repeat" and trial.level > 43 else edge_at(47)(trial),
    )
    assert levels(trials, "repeat") == [47, 45, 43]
    assert (found.ending, found.edges) == ("edge", (47, 43))


def test_an_edge_is_where_something_held_and_the_next_look_goes_on_from_there() -> None:
    """In the second look nothing holds; the third is as the first."""
    looks = 0

    def service(trial: Trial) -> Judgement:
        nonlocal looks
        looks += trial.phase == "repeat" and trial.level == 12
        return BREAKS if trial.phase == "repeat" and looks == 1 else edge_at(12)(trial)

    found, trials = run(SearchPlan(8, 200), service)
    assert min(levels(trials, "repeat")) == 1
    assert found == Found("edge", 12, margin=6, edges=(12, 0, 12), confirmed=True)


def test_what_never_holds_for_longer_is_no_capacity() -> None:
    found, trials = run(
        SearchPlan(8, 200, repeats=1), lambda trial: BREAKS if trial.phase == "soak" else edge_at(20)(trial)
    )
    assert levels(trials, "soak") == [20, 19, 18, 17, 16, 15, 14, 13, 12, 11]
    assert found == Found("unconfirmed", 8, edges=(20,), stopped_at=11)


def test_what_never_holds_again_is_no_capacity() -> None:
    found, trials = run(
        SearchPlan(4, 100, repeats=2), lambda trial: BREAKS if trial.phase == "repeat" else edge_at(9)(trial)
    )
    assert levels(trials, "repeat") == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert found == Found("unconfirmed", None, edges=(9, 0), stopped_at=1)


@pytest.mark.parametrize("first", [0.2, 1.0, 7.0])
def test_a_rate_is_not_halved_for_ever(first: float) -> None:
    found, trials = run(SearchPlan(first, 50, whole=False), lambda trial: BREAKS)
    assert (found.ending, found.level) == ("nothing_holds", None)
    assert [trial.level for trial in trials] == pytest.approx(
        [first * share for share in (1, 0.5, 0.25, 0.125, 0.1)]
    )


def test_a_rate_that_is_looked_for_again_does_not_go_to_nothing() -> None:
    found, trials = run(
        SearchPlan(1, 50, whole=False, repeats=2),
        lambda trial: BREAKS if trial.phase == "repeat" else edge_at(1)(trial),
    )
    assert min(trial.level for trial in trials) == 0.1
    assert (found.ending, found.edges, found.stopped_at) == ("unconfirmed", (1, 0), 0.1)


def test_an_edge_that_moves_is_told_with_its_scatter() -> None:
    def moves(trial: Trial) -> Judgement:
        return HOLDS if trial.level <= (52 if trial.phase == "repeat" else 40) else BREAKS

    found, _ = run(SearchPlan(20, 100, resolution=0.05, repeats=2), moves)
    first, second = found.edges
    assert 38 <= first <= 40
    assert 50 <= second <= 52
    assert found.margin >= (second - first) / 2


@pytest.mark.parametrize("seed", range(20))
def test_noise_at_the_edge_costs_accuracy_but_not_much(seed: int) -> None:
    rng, knee = random.Random(seed), 50.0

    def noisy(trial: Trial) -> Judgement:
        # The statistic crosses its limit at 50 on average, with a standard deviation of 2 callers.
        return HOLDS if trial.level <= rng.gauss(knee, 2.0) else BREAKS

    found, trials = run(SearchPlan(10, 300), noisy)
    assert found.ending == "edge"
    assert found.level == pytest.approx(knee, abs=0.12 * knee)
    assert len(trials) <= 40


@pytest.mark.parametrize("seed", range(5))
def test_a_queue_whose_delay_grows_is_found_where_it_crosses_the_limit(seed: int) -> None:
    # The emulator's slow-down: 500 ms, and 15 ms for each session above 20. 800 ms are crossed at 40.
    rng = random.Random(seed)

    def service(trial: Trial) -> Judgement:
        waits = sorted(500 + 15 * max(0, trial.level - 20) + rng.gauss(0, 8) for _ in range(118))
        return HOLDS if waits[112] < 800 else BREAKS

    found, _ = run(SearchPlan(5, 200), service)
    assert found.level == pytest.approx(40, rel=0.1)


def test_a_rehearsal_tries_what_a_search_would() -> None:
    plan = SearchPlan(8, 200, repeats=2)
    for knee in (1, 8, 47, 500):
        assert rehearse(plan, knee) == run(plan, edge_at(knee))[1]
