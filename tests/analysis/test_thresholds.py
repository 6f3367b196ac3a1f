import numpy as np
import pytest

from rtbench.analysis.thresholds import ThresholdResult, judge_thresholds
from rtbench.scenario.threshold import Threshold


@pytest.fixture
def judge_one(make_turns, make_rows):
    """Judge one threshold on turns with these waits, None for one that was never answered."""

    def judge(waits: list[float | None], *threshold) -> ThresholdResult:
        lost = {"outcome": "no_answer", "closed_ns": 15_000_000_000}
        turns = make_turns(*[lost if wait is None else {"voice_to_voice_ms": wait} for wait in waits])
        (result,) = judge_thresholds([Threshold(*threshold)], make_rows(turns))
        return result

    return judge


WAITS = [float(wait) for wait in range(1, 101)]


@pytest.mark.parametrize(
    ("statistic", "actual"),
    [("p50", 50.0), ("p95", 95.0), ("mean", 50.5), ("min", 1.0), ("max", 100.0), ("count", 100.0)],
)
def test_the_statistic_is_compared_with_the_limit(judge_one, statistic: str, actual: float) -> None:
    held = judge_one(WAITS, "voice_to_voice_ms", statistic, "<=", actual)
    broken = judge_one(WAITS, "voice_to_voice_ms", statistic, "<", actual)
    assert (held.status, held.actual, held.n) == ("passed", actual, 100)
    assert broken.status == "failed"


@pytest.mark.parametrize(("statistic", "n"), [("p50", 4), ("p95", 58), ("p99", 298), ("mean", 9), ("max", 0)])
def test_too_few_samples_do_not_pass_and_say_how_many_it_takes(judge_one, statistic: str, n: int) -> None:
    result = judge_one([1.0] * n, "voice_to_voice_ms", statistic, "<", 800)
    assert (result.status, result.actual) == ("too_few_samples", None)
    assert f"needs {n + 1} samples, there are {n}" in result.reason


def test_a_percentile_among_unanswered_turns_fails_every_upper_limit(judge_one) -> None:
    result = judge_one([*WAITS[:90], *[None] * 10], "voice_to_voice_ms", "p95", "<", 1e9)
    assert (result.status, result.actual, result.known_up_to) == ("failed", np.inf, 15_000.0)


def test_unanswered_turns_lower_the_response_rate(judge_one) -> None:
    result = judge_one([*WAITS[:9], None], "response_rate", "rate", ">=", 0.95)
    assert (result.status, result.actual) == ("failed", 0.9)


def test_a_metric_that_is_no_rate_has_none(judge_one) -> None:
    result = judge_one(WAITS, "voice_to_voice_ms", "rate", ">=", 0.9)
    assert result.status == "unknown"
    assert "is not a rate" in result.reason


def test_an_unknown_metric_says_so(judge_one) -> None:
    result = judge_one(WAITS, "vibes_ms", "p50", "<", 1.0)
    assert (result.status, result.reason) == ("unknown", "there is no metric 'vibes_ms'")


def test_a_rate_of_interruptions_is_judged_over_the_eligible_ones(make_stimuli, make_rows) -> None:
    stimuli = make_stimuli(*[{"yielded": 1.0}] * 19, {"yielded": 0.0}, *[{"yielded": None}] * 30)
    limit = Threshold("yield_rate", "rate", ">=", 0.95)
    (result,) = judge_thresholds([limit], make_rows(stimuli=stimuli))
    assert (result.status, result.actual, result.n) == ("passed", 0.95, 20)
