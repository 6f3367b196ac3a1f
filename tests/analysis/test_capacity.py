"""The outcome of a search in words, and the reference session beside it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rtbench.analysis.capacity import CapacityResult, held_so_far, reference_waits
from rtbench.analysis.capacity_search import Found, Judgement
from rtbench.core.errors import ExitCode
from rtbench.scenario.threshold import parse_threshold

SLO = parse_threshold("voice_to_voice_ms:p95<800")


def outcome(found: Found, *steps, open_load: bool = False) -> CapacityResult:
    return CapacityResult("support", "emulator", "websocket", open_load, (SLO,), found, steps)


def test_a_capacity_is_told_with_its_margin_and_what_breaks_first(make_step) -> None:
    found = Found("edge", 47.0, margin=3.0, edges=(47.0, 44.0), confirmed=True)
    steps = make_step(40, 700.0), make_step(60, 1400.0), make_step(52, 912.0), make_step(47, 780.0)
    result = outcome(found, *steps)
    assert result.sentence == (
        "47 ± 3 concurrent calls hold voice_to_voice_ms p95 < 800; the first to break is voice_to_voice_ms p95 (912 at 52)."
    )
    first = result.first_to_break
    assert first is not None
    assert first[0].level == 52
    assert [step.level for step in result.by_level] == [40, 47, 52, 60]
    assert result.exit_code is ExitCode.PASS


def test_an_open_load_counts_calls_per_second(make_step) -> None:
    found = Found("edge", 3.25, margin=0.16, confirmed=True)
    result = outcome(found, make_step(3.25, 700.0), make_step(3.4, math.inf), open_load=True)
    assert result.sentence.startswith("3.25 ± 0.16 calls per second hold")
    assert result.sentence.endswith("(never answered at 3.4).")


def test_an_answer_that_did_not_last_is_no_capacity(make_step) -> None:
    found = Found("unconfirmed", 10.0, edges=(20.0, 19.0), stopped_at=11.0)
    soaks = [make_step(level, 900.0, phase="soak") for level in range(20, 10, -1)]
    result = outcome(found, make_step(10, 600.0), make_step(20, 700.0), make_step(22, 950.0), *soaks)
    assert result.sentence == (
        "No capacity: 20 concurrent calls held voice_to_voice_ms p95 < 800 at first, but tried again, or for longer, "
        "no load down to 11 did; the first to break is voice_to_voice_ms p95 (900 at 11). "
        "For a short time the service holds at least 10."
    )
    assert result.exit_code is ExitCode.THRESHOLD_FAILED


def test_a_cap_that_was_too_low_is_neither_the_services_doing_nor_the_machines(make_step) -> None:
    """A step before it had a finding of its own: that one is not the reason."""
    steps = (
        make_step(0.4, 500.0, lateness_ms=7.0),
        make_step(0.6, 500.0),
        make_step(0.9, 500.0, judgement=Judgement.CAP),
    )
    result = replace(outcome(Found("cap", 0.6, stopped_at=0.9), *steps, open_load=True), cap=1200)
    assert result.sentence.removeprefix("With reservations: ") == (
        "No capacity: at 0.9 calls per second all 1,200 calls that --cap allows at a time were under way, so that no "
        "more could begin. A higher --cap goes further. The service holds at least 0.6; its capacity is not known."
    )
    assert result.exit_code is ExitCode.INCONCLUSIVE
    assert [step.level for step in result.by_level] == [
        0.4,
        0.6,
    ]  # the cap's step says nothing of the service


def test_a_generators_limit_is_told_by_the_step_that_ended_the_search(make_step) -> None:
    early = make_step(40, 500.0, lateness_ms=6.0)
    late = make_step(60, 500.0, judgement=Judgement.GENERATOR, lateness_ms=25.0)
    assert (
        "more than 25.0 ms late" in outcome(Found("generator", 40.0, stopped_at=60.0), early, late).sentence
    )


def test_too_few_samples_leave_what_is_known(make_step) -> None:
    few = make_step(3, 500.0, judgement=Judgement.UNKNOWN)
    assert outcome(Found("samples", None, stopped_at=3.0), make_step(6, 900.0), few).sentence == (
        "No capacity: at 3 concurrent calls too few turns came to an end to judge voice_to_voice_ms p95 < 800 by; "
        "the first to break is voice_to_voice_ms p95 (900 at 6)."
    )
    held = outcome(Found("samples", 2.0, stopped_at=3.0), make_step(2, 600.0), few).sentence
    assert held.endswith("The service holds at least 2; its capacity is not known.")


def test_a_rate_that_does_not_hold_even_at_the_lowest_leads_to_a_lower_from(make_step) -> None:
    steps = make_step(0.2, 990.0), make_step(0.02, 900.0)
    result = outcome(Found("nothing_holds", None), *steps, open_load=True)
    assert result.sentence == (
        "Not even 0.02 calls per second hold voice_to_voice_ms p95 < 800; the first to break is voice_to_voice_ms p95 "
        "(900 at 0.02). Lower rates are tried with a lower --from."
    )


def test_a_generators_limit_is_not_told_as_a_capacity(make_step) -> None:
    late = make_step(90, 900.0, judgement=Judgement.GENERATOR)
    result = outcome(Found("generator", 60.0, stopped_at=90.0), make_step(60, 500.0), late)
    assert result.sentence == (
        "No capacity: at 90 concurrent calls this machine could not keep up (1% of frames left more than 9.0 ms late "
        "(limit 5 ms)). The service holds at least 60; its capacity is not known."
    )
    assert [step.level for step in result.by_level] == [60]
    assert result.exit_code is ExitCode.INVALID


@pytest.mark.parametrize(
    ("found", "told", "code"),
    [
        (
            Found("most", 100.0, confirmed=True),
            "All that was allowed, 100 concurrent calls, hold",
            ExitCode.PASS,
        ),
        (Found("nothing_holds", None), "Not even 5 concurrent calls hold", ExitCode.THRESHOLD_FAILED),
        (
            Found("samples", None, stopped_at=5.0),
            "No capacity: at 5 concurrent calls too few",
            ExitCode.INCONCLUSIVE,
        ),
    ],
)
def test_other_endings_are_told_as_what_they_are(make_step, found: Found, told: str, code: ExitCode) -> None:
    result = outcome(found, make_step(5, 900.0))
    assert result.sentence.startswith(told)
    assert result.exit_code is code


def test_steps_with_a_doubtful_verdict_are_not_hidden(make_step) -> None:
    found = Found("edge", 20.0, margin=1.0, confirmed=True)
    result = outcome(found, make_step(20, 700.0, lateness_ms=7.0), make_step(22, 900.0))
    assert result.sentence.startswith("With reservations: 20 ± 1 concurrent calls")


def test_the_reference_sessions_waits_are_those_of_turns_that_ended_in_the_step(
    make_turns, make_step
) -> None:
    second = 1_000_000_000
    turns = make_turns(
        *[{"at_unix_ns": n * second, "voice_to_voice_ms": 400.0 + n} for n in range(10)],
        {"at_unix_ns": 4 * second, "voice_to_voice_ms": 9.0, "void": True},
        *[{"at_unix_ns": (20 + n) * second, "outcome": "no_answer"} for n in range(5)],
    )
    steps = [make_step(5, 500.0, started_unix_ns=start * second, seconds=6.0) for start in (2, 9, 20)]
    waits = reference_waits(turns, steps)
    assert [(wait.n, wait.median_ms) for wait in waits] == [(6, 404.5), (1, None), (5, math.inf)]


def test_a_budget_that_ended_the_search_leaves_what_held_until_then(make_step) -> None:
    steps = [make_step(5, 500.0), make_step(10, 700.0), make_step(20, 900.0), make_step(15, 850.0)]
    assert held_so_far(steps) == 10
    result = outcome(Found("budget", held_so_far(steps)), *steps)
    assert result.sentence == (
        "No capacity: the budget was spent before the search was over. "
        "Until then at least 10 concurrent calls hold voice_to_voice_ms p95 < 800."
    )
    assert result.exit_code is ExitCode.BUDGET
    assert held_so_far(steps[2:]) is None
    assert "no load held" in outcome(Found("budget", None), *steps[2:]).sentence
