"""What one load came to, from rows whose outcome is worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rtbench.analysis.capacity_search import Judgement, Trial
from rtbench.analysis.capacity_step import StepResult, enough, excess, measure_step, needed
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory
from rtbench.scenario.threshold import parse_threshold

SLO = parse_threshold("voice_to_voice_ms:p95<800")
ANSWERED = parse_threshold("response_rate:rate>=0.95")


@pytest.fixture
def step(make_turns, make_sessions, make_stimuli, make_generator) -> Callable[..., StepResult]:
    """A step of 30 s with 12 callers, from these turns."""

    def make(
        *turns: dict[str, Any],
        sessions: tuple[dict[str, Any], ...] = (),
        lateness_us: int = 500,
        slos: tuple[Any, ...] = (SLO, ANSWERED),
        tolerant: bool = False,
        sessions_frame: pd.DataFrame | None = None,
    ) -> StepResult:
        generator = make_generator(
            *[
                {"at_unix_ns": second, "sessions": 11 + second % 3, "lateness_us": [lateness_us] * 10}
                for second in range(30)
            ]
        )
        run = Run(
            directory=RunDirectory(Path("x")),
            provenance={},
            turns=make_turns(*turns),
            sessions=make_sessions(*sessions) if sessions_frame is None else sessions_frame,
            stimuli=make_stimuli(),
            generator=generator,
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
        )
        return measure_step(run, Trial(12.0, "step up"), 7, 30.0, slos, tolerant=tolerant)

    return make


def answered(count: int, wait_ms: float = 500.0, **columns: Any) -> list[dict[str, Any]]:
    return [{"session": f"s{n % 12}", "voice_to_voice_ms": wait_ms, **columns} for n in range(count)]


def test_a_load_under_which_all_holds_is_told_with_what_callers_lived_through(step) -> None:
    found = step(*answered(90, endpoint_delay_ms=220.0, speech_stop_to_first_audio_ms=280.0))
    assert found.judgement is Judgement.HOLDS
    assert (found.level, found.phase, found.turns, found.seconds) == (12.0, "step up", 90, 30.0)
    assert found.concurrency == 12.0
    assert (found.turns_per_s, found.goodput_per_s) == (3.0, 3.0)
    assert found.voice_to_voice_ms == (500.0, 500.0)
    assert found.parts_ms == {"endpoint_delay_ms": 220.0, "speech_stop_to_first_audio_ms": 280.0}
    assert found.broken == []
    assert found.cost_usd_per_hour is None


def test_an_slo_that_does_not_hold_breaks_the_load_and_bad_turns_are_no_goodput(step) -> None:
    found = step(*answered(60), *answered(30, wait_ms=900.0))
    assert found.judgement is Judgement.BREAKS
    assert [each.threshold for each in found.broken] == [SLO]
    assert (found.turns_per_s, found.goodput_per_s) == (3.0, 2.0)


def test_the_slo_that_is_furthest_beyond_its_limit_stands_first(step) -> None:
    silent = [{"session": "s1", "outcome": "failed", "error_class": "rate_limit_exceeded"}] * 12
    found = step(*answered(78, wait_ms=840.0), *silent)
    # 900 ms are 1.05 of the limit; 13 % unanswered are 2.7 of what is allowed, and an infinite p95 more than all.
    assert [each.threshold.metric for each in found.broken] == ["voice_to_voice_ms", "response_rate"]
    assert math.isinf(found.broken[0].actual or 0.0)
    assert found.errors == {"rate_limit_exceeded": 12}


def test_too_few_turns_are_no_judgement(step) -> None:
    assert step(*answered(58)).judgement is Judgement.UNKNOWN
    assert step(*answered(59)).judgement is Judgement.HOLDS


def test_a_late_generator_says_nothing_of_the_service_whatever_broke(step) -> None:
    late = step(*answered(90, wait_ms=900.0), lateness_us=30_000)
    assert late.judgement is Judgement.GENERATOR
    assert step(*answered(90), lateness_us=7_000).judgement is Judgement.GENERATOR
    assert step(*answered(90), lateness_us=7_000, tolerant=True).judgement is Judgement.HOLDS
    assert step(*answered(90), lateness_us=30_000, tolerant=True).judgement is Judgement.GENERATOR


def test_what_turns_cost_is_told_per_hour(step) -> None:
    found = step(*[turn | {"cost_usd": 0.002} for turn in answered(60)])
    assert found.cost_usd_per_hour == pytest.approx(0.12 * 120)


def result(written: str, actual: float | None, n: int = 100) -> ThresholdResult:
    return ThresholdResult(parse_threshold(written), "failed", n, actual)


@pytest.mark.parametrize(
    ("written", "actual", "ratio"),
    [
        ("voice_to_voice_ms:p95<800", 1000.0, 1.25),
        ("response_rate:rate>=0.9", 0.7, 3.0),
        ("cut_in_rate:rate<=0.1", 0.2, 2.0),
        ("voice_to_voice_ms:p95<800", None, 0.0),
        ("errors_per_session:mean<=0", 0.5, math.inf),
        ("response_rate:rate>=1", 0.99, math.inf),
    ],
)
def test_the_excess_is_a_ratio_of_what_should_be_small(written: str, actual: float, ratio: float) -> None:
    assert excess(result(written, actual)) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("written", "least"),
    [
        ("voice_to_voice_ms:p95<800", 59),
        ("voice_to_voice_ms:p99<800", 299),
        ("voice_to_voice_ms:p50<800", 5),
        ("response_rate:rate>=0.95", 59),
        ("cut_in_rate:rate<=0.05", 59),
        ("session_success_rate:rate>=0.99", 299),
        ("response_rate:rate>=1", 10),
        ("voice_to_voice_ms:mean<800", 10),
    ],
)
def test_the_samples_that_a_statistic_needs(written: str, least: int) -> None:
    assert needed(parse_threshold(written)) == least


def test_enough_is_so_many_times_what_every_slo_needs() -> None:
    results = [
        result("voice_to_voice_ms:p95<800", 1.0, n=120),
        result("response_rate:rate>=0.95", 1.0, n=118),
    ]
    assert enough(results, 2.0)
    assert not enough(results, 2.01)
    assert enough([], 5.0)
