import numpy as np
import pytest

from rtbench.analysis.run_totals import RunTotals
from rtbench.analysis.thresholds import ThresholdResult, judge_thresholds
from rtbench.scenario.threshold import Threshold, parse_threshold

COUNTS = {"turns": 100, "sessions": 10, "errors": 3, "void_turns": 0, "rows_lost": 0}


@pytest.fixture(scope="session")
def totals(make_generator) -> RunTotals:
    """A run by WebSocket against the emulator, with lateness of 100 frames and 10 seconds of two engines."""
    seconds = [
        {
            "worker": f"w{n % 2}",
            "loop_lag_max_ms": float(n),
            "lateness_us": range(1000 * n + 1000, 1000 * n + 1010),
        }
        for n in range(10)
    ]
    return RunTotals("emulator", "websocket", ("brief",), make_generator(*seconds), COUNTS)


@pytest.fixture
def judge_one(make_turns, make_rows, totals):
    """Judge one threshold on turns with these waits, None for one that was never answered."""

    def judge(waits: list[float | None], *threshold) -> ThresholdResult:
        lost = {"outcome": "no_answer", "closed_ns": 15_000_000_000}
        turns = make_turns(*[lost if wait is None else {"voice_to_voice_ms": wait} for wait in waits])
        (result,) = judge_thresholds([Threshold(*threshold)], make_rows(turns), totals)
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


def test_a_rate_of_interruptions_is_judged_over_the_eligible_ones(make_stimuli, make_rows, totals) -> None:
    stimuli = make_stimuli(*[{"yielded": 1.0}] * 19, {"yielded": 0.0}, *[{"yielded": None}] * 30)
    limit = Threshold("yield_rate", "rate", ">=", 0.95)
    (result,) = judge_thresholds([limit], make_rows(stimuli=stimuli), totals)
    assert (result.status, result.actual, result.n) == ("passed", 0.95, 20)


@pytest.fixture
def judge_text(make_turns, make_rows, totals):
    """Judge a threshold as written on forty turns: two kinds, two concurrencies, two scenarios."""
    turns = make_turns(
        *[
            {
                "voice_to_voice_ms": 100.0 + n, "tool": n >= 20, "kind": "spoken" if n % 2 else "manual",
                "concurrency": n, "scenario": "brief" if n < 30 else "other", "void": n == 0,
            }
            for n in range(40)
        ]
    )  # fmt: skip

    def judge(written: str) -> ThresholdResult:
        (result,) = judge_thresholds([parse_threshold(written)], make_rows(turns), totals)
        return result

    return judge


@pytest.mark.parametrize(
    ("written", "actual"),
    [
        ("voice_to_voice_ms{turn_kind=tool}:min<1000", 120.0),
        ("voice_to_voice_ms{turn_kind=spoken}:max<1000", 119.0),
        ("voice_to_voice_ms{turn_kind=manual}:min<1000", 102.0),
        ("voice_to_voice_ms{tool=false}:count>=19", 19.0),
        ("voice_to_voice_ms{concurrency>=35}:min<1000", 135.0),
        ("voice_to_voice_ms{concurrency>4,concurrency<=6}:max<1000", 106.0),
        ("voice_to_voice_ms{scenario=brief}:max<1000", 129.0),
        ("voice_to_voice_ms{target=emulator,transport=websocket}:max<1000", 139.0),
        ("void_rate:rate<=0.05", 0.025),
        ("turns:count>=100", 100.0),
        ("errors:count<5", 3.0),
        ("loop_lag_ms:max<10", 9.0),
        ("loop_lag_ms:p50<10", 4.0),
        ("send_lateness_ms:max<11", 10.012),
        ("send_lateness_ms:p50<10", 5.012),
        ("send_lateness_ms:count>=100", 100.0),
    ],
)
def test_filters_and_totals_decide_what_is_measured(judge_text, written: str, actual: float) -> None:
    result = judge_text(written)
    assert result.status == "passed"
    assert result.actual == pytest.approx(actual, rel=1e-3)  # the histogram keeps three digits


@pytest.mark.parametrize("other", ["target=openai", "transport=webrtc", "scenario=else"])
def test_a_threshold_of_another_run_fails_nothing_and_says_so(judge_text, other: str) -> None:
    result = judge_text(f"voice_to_voice_ms{{{other}}}:p95<1")
    assert (result.status, result.fails) == ("not_applicable", False)
    assert result.reason == f"the run is not of {other.replace('=', ' ')}"


def test_a_filter_that_leaves_too_few_turns_does_not_pass(judge_text) -> None:
    result = judge_text("voice_to_voice_ms{turn_kind=tool}:p95<1000")
    assert (result.status, result.fails) == ("too_few_samples", True)
    assert result.reason == "p95 needs 59 samples, there are 20"
