import pytest

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.report import notation
from rtbench.scenario.threshold import Threshold

INF = float("inf")
NOTHING = Quantile(0.5, 0, None)


def _metric(known_up_to: float) -> MetricSummary:
    return MetricSummary(
        "voice_to_voice_ms",
        "ms",
        "without_tool",
        9,
        1,
        known_up_to,
        None,
        None,
        None,
        NOTHING,
        NOTHING,
        NOTHING,
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (0.1234, "0.12"),
        (0.01234, "0.012"),
        (-0.00056, "-0.00056"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (-120.4, "-120"),
    ],
)
def test_a_number_has_as_many_digits_as_are_worth_reading(value: float | None, told: str) -> None:
    assert notation.number(value) == told


@pytest.mark.parametrize(
    ("usd", "told"),
    [
        (1234.567, "1,234.57 USD"),
        (0.0123, "0.012 USD"),
        (0.0, "0.00 USD"),
        (None, "n/a: there is no price of the model"),
    ],
)
def test_money_is_told_to_the_cent_or_by_what_counts_of_it(usd: float | None, told: str) -> None:
    assert notation.money(usd) == told


@pytest.mark.parametrize(
    ("count", "nouns", "told"),
    [
        (1, ("turn",), "1 turn"),
        (1_200, ("turn",), "1,200 turns"),
        (0, ("turn",), "0 turns"),
        (1, ("turn lost", "turns lost"), "1 turn lost"),
        (2, ("turn lost", "turns lost"), "2 turns lost"),
    ],
)
def test_one_thing_is_not_told_as_many(count: int, nouns: tuple[str, ...], told: str) -> None:
    assert notation.counted(count, *nouns) == told


def test_only_times_carry_their_unit() -> None:
    assert notation.number(1.5, "ms") == "1.50 ms"
    assert notation.number(3.0, "count") == "3"


@pytest.mark.parametrize(
    ("found", "known_up_to", "told"),
    [
        (Quantile(0.95, 100, 1234.4), 15_000.0, "1,234"),
        (Quantile(0.95, 12, None), 15_000.0, "n/a (n=12)"),
        (Quantile(0.95, 100, INF), 15_000.0, "> 15,000"),
        (Quantile(0.95, 100, INF), 0.0, "never answered"),
    ],
)
def test_a_percentile_is_told_with_what_is_known_of_it(
    found: Quantile, known_up_to: float, told: str
) -> None:
    assert notation.quantile(found, _metric(known_up_to)) == told


def test_an_interval_says_where_it_reaches_into_unanswered_turns() -> None:
    assert notation.interval(810.2, 902.0) == "[810, 902]"
    assert notation.interval(810.2, INF) == "[810, unanswered]"
    assert notation.interval(INF, INF) == ""
    assert notation.interval(None, None) == ""


def test_a_rate_is_a_percentage_or_says_what_it_lacks() -> None:
    assert notation.rate(Rate(100, 0.972)) == "97.2%"
    assert notation.rate(Rate(4, None)) == "n/a (n=4, needs 10)"
    assert notation.rate_interval(Rate(100, 0.972, 0.95, 0.985)) == "[95.0%, 98.5%]"


def test_a_mean_over_unanswered_turns_is_above_all_that_is_known() -> None:
    assert notation.extreme(INF, _metric(15_000.0)) == "> 15,000"
    assert notation.extreme(None, _metric(15_000.0)) == "–"


def test_a_threshold_is_told_close_enough_to_see_why_it_failed() -> None:
    rate = Threshold("response_rate", "rate", ">=", 0.99)
    wait = Threshold("voice_to_voice_ms", "p95", "<", 800)
    assert notation.actual(ThresholdResult(rate, "failed", 500, 0.98765)) == "0.9877"
    assert notation.actual(ThresholdResult(wait, "failed", 500, INF, 15_000.0)) == "> 15,000"
    assert (
        notation.actual(ThresholdResult(wait, "too_few_samples", 3, None, reason="p95 needs 59"))
        == "n/a: p95 needs 59"
    )


def test_a_score_is_told_from_0_to_100() -> None:
    assert notation.score(Rate(100, 0.9305)) == "93.0"
    assert notation.score(Rate(4, None)) == "n/a (n=4, needs 10)"
    assert notation.score_interval(Rate(100, 0.93, 0.9, 0.95)) == "[90.0, 95.0]"


def test_where_there_is_little_room_an_unknown_rate_is_a_dash() -> None:
    assert (notation.short_rate(Rate(4, None)), notation.short_rate(Rate(40, 0.5))) == ("–", "50.0%")
